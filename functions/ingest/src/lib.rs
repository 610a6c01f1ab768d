//! Receives events over HTTP. A 201 means that the event is committed in PostgreSQL.

mod accept;
mod batch;
mod body;
mod cloudevents;
mod coalescer;
mod config;
mod encoding;
mod events;
mod front_door;
mod idempotency;
mod keys;
mod media;
mod memory;
mod openapi;
mod origins;
mod plain;
mod problems;
mod rate_limit;
mod schemas;
#[cfg(feature = "testing")]
pub mod testing;

use std::time::Duration;

use axum::Router;
use gcp::Publisher;
use service::memory::Memory;
use service::{App, BoxError, Readiness, Shutdown};
use store::Store;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use coalescer::Coalescer;
pub use config::{Config, Limits, Senders};
pub use front_door::FrontDoor;
pub use keys::KeyRing;
pub use origins::Origins;
pub use rate_limit::AddressLimit;
pub use schemas::Schemas;

#[derive(Clone)]
pub struct Ingest {
    pub coalescer: Coalescer,
    pub front_door: FrontDoor,
    pub address_limit: Option<AddressLimit>,
    /// The schemas that payloads are checked against; None means no check.
    pub schemas: Option<Schemas>,
    pub limits: Limits,
    pub keys_last: Duration,
}

pub async fn start(config: Config, _shutdown: Shutdown) -> Result<App, BoxError> {
    let store = Store::new(&config.store)?;
    let publisher = Publisher::connect(config.publisher).await?;
    let readiness = Readiness::waiting_for(&["database", "schemas"]);
    let watchdog = tokio::spawn(store.clone().watchdog());
    tokio::spawn(readiness.clone().watch("database", store::Error::missing, {
        let store = store.clone();
        async move || store.ready().await
    }));
    let schemas = Schemas::new(store.clone());
    let reader = tokio::spawn(schemas.clone().keep());
    tokio::spawn(readiness.clone().watch("schemas", store::Error::missing, {
        let schemas = schemas.clone();
        async move || schemas.ready().await
    }));
    let (front_door, keeper) = FrontDoor::open(config.senders, store.clone())?;
    let (coalescer, writer) = Coalescer::start(store, publisher, config.first_due);
    let router = router(Ingest {
        coalescer,
        front_door,
        address_limit: config.requests_per_second.map(AddressLimit::start),
        schemas: Some(schemas),
        limits: config.limits,
        keys_last: config.keys_last,
    });
    Ok(App::new(config.origins.around(router), readiness)
        .depends_on("the writer of events", writer)
        .depends_on("the front door", keeper)
        .depends_on("the reader of schemas", reader)
        .depends_on("the connections to the database", watchdog))
}

pub fn router(ingest: Ingest) -> Router {
    let (routes, operations) = OpenApiRouter::with_openapi(openapi::document())
        .routes(routes!(events::post))
        .routes(routes!(batch::post))
        .split_for_parts();
    let routes = ingest.front_door.clone().guard(routes);
    // The memory guard comes before the door, because requests at the door may wait for the database or for Google's
    // keys.
    let routes = Memory::shared_by_address(ingest.limits.memory_bytes).guard(routes);
    let routes = match ingest.address_limit.clone() {
        Some(limit) => limit.guard(routes),
        None => routes,
    };
    service::described(routes.with_state(ingest), &operations, openapi::shared())
}
