use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::http::header::CONTENT_TYPE;
use door::Door;
use gcp::{Publisher, PublisherConfig};
pub(crate) use ingest::Limits;
use ingest::{AddressLimit, Coalescer, FrontDoor, Ingest, KeyRing, Schemas};
use service::testing::{Answer, Contract, call};
use store::testing::{Database, database};
use store::{Store, StoreConfig};

/// Nothing listens on this port: it is reserved for root, and no service uses it.
pub(crate) const CLOSED_PORT: &str = "127.0.0.1:1";
pub(crate) const FIRST_DUE: Duration = Duration::from_secs(20);
pub(crate) const MAX_BODY_BYTES: usize = 1024 * 1024;
pub(crate) const MEMORY_BYTES: usize = 160 * 1024 * 1024;

/// A service with its own database.
pub(crate) struct Service {
    pub(crate) database: Database,
    router: Router,
}

impl Service {
    pub(crate) async fn start() -> Self {
        let database = database().await;
        let router = router(database.store.clone(), Door::open()).await;
        Self { database, router }
    }

    pub(crate) async fn post(&self, body: impl Into<Body>) -> Answer {
        call(self.router.clone(), event(body)).await
    }

    pub(crate) async fn call(&self, request: Request<Body>) -> Answer {
        call(self.router.clone(), request).await
    }

    pub(crate) async fn contract(&self) -> Arc<Contract> {
        Contract::of(&self.router).await.unwrap()
    }

    /// The number of rows in `events` and `live` together.
    pub(crate) async fn rows(&self) -> i64 {
        let question = "SELECT (SELECT count(*) FROM events) + (SELECT count(*) FROM live)";
        self.database.value(question).await
    }
}

pub(crate) fn event(body: impl Into<Body>) -> Request<Body> {
    Request::post("/events").header(CONTENT_TYPE, "application/json").body(body.into()).unwrap()
}

pub(crate) async fn router(store: Store, door: Door) -> Router {
    router_with(store, door, publisher().await, limits())
}

pub(crate) fn router_with(store: Store, door: Door, publisher: Publisher, limits: Limits) -> Router {
    let (coalescer, _) = Coalescer::start(store, publisher, FIRST_DUE);
    router_of(coalescer, FrontDoor::Callers(door), None, limits)
}

/// A service with schemas that have not been read yet.
pub(crate) async fn router_with_schemas(store: Store, schemas: Schemas) -> Router {
    let (coalescer, _) = Coalescer::start(store, publisher().await, FIRST_DUE);
    let (front_door, keys_last) = (FrontDoor::Callers(Door::open()), Duration::from_hours(24));
    let schemas = Some(schemas);
    ingest::router(Ingest {
        coalescer,
        front_door,
        address_limit: None,
        schemas,
        limits: limits(),
        keys_last,
    })
}

/// A service behind API keys, with a limit of `requests` a second for one address.
pub(crate) async fn router_with_keys(store: Store, requests: Option<u32>) -> Router {
    let (coalescer, _) = Coalescer::start(store.clone(), publisher().await, FIRST_DUE);
    let address_limit = requests.and_then(NonZero::new).map(AddressLimit::of);
    router_of(coalescer, FrontDoor::Keys(KeyRing::new(store)), address_limit, limits())
}

pub(crate) async fn router_with_ring(store: &Store, ring: KeyRing) -> Router {
    let (coalescer, _) = Coalescer::start(store.clone(), publisher().await, FIRST_DUE);
    router_of(coalescer, FrontDoor::Keys(ring), None, limits())
}

fn router_of(
    coalescer: Coalescer,
    front_door: FrontDoor,
    address_limit: Option<AddressLimit>,
    limits: Limits,
) -> Router {
    let keys_last = Duration::from_hours(24);
    ingest::router(Ingest { coalescer, front_door, address_limit, schemas: None, limits, keys_last })
}

pub(crate) fn limits() -> Limits {
    Limits {
        body_bytes: MAX_BODY_BYTES,
        memory_bytes: MEMORY_BYTES,
        body_deadline: service::BODY_DEADLINE,
        answer_deadline: Duration::from_secs(15),
    }
}

/// A publisher that cannot reach Pub/Sub.
pub(crate) async fn publisher() -> Publisher {
    publisher_to(CLOSED_PORT.into(), Duration::from_millis(50)).await
}

pub(crate) async fn publisher_to(host: String, timeout: Duration) -> Publisher {
    let config = PublisherConfig {
        project: "test".into(),
        topic: "events".into(),
        emulator_host: Some(host),
        credentials_file: None,
        timeout,
    };
    Publisher::connect(config).await.unwrap()
}

/// A store whose database is unavailable.
pub(crate) fn absent(patience: Duration) -> Store {
    let url = format!("postgres://postgres@{CLOSED_PORT}/eventflow");
    Store::new(&StoreConfig { acquire_timeout: patience, ..StoreConfig::new(url, "test") }).unwrap()
}
