use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use admin::{Admin, Roles};
use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use door::Door;
use event::{AfterFailure, AttemptEnd, Delivery, EventId, NewEvent};
use gcp::testing::PubSub;
use gcp::{Publisher, PublisherConfig};
use serde_json::Value;
use service::testing::{Answer, Contract, call};
use store::testing::{Database, TRACE_ID, database};
use store::{Batch, ClaimTerms, Claimant, Failure, Store, StoreConfig};

/// Nothing listens on this port: it is reserved for root, and no service uses it.
pub(crate) const CLOSED_PORT: &str = "127.0.0.1:1";

/// A service with its own database.
pub(crate) struct Service {
    pub(crate) database: Database,
    router: Router,
}

impl Service {
    pub(crate) async fn start() -> Self {
        Self::behind(Door::open(), Roles::default()).await
    }

    pub(crate) async fn behind(door: Door, roles: Roles) -> Self {
        let database = database().await;
        let router = router_for(database.store.clone(), door, roles).await;
        Self { database, router }
    }

    /// A service with a working Pub/Sub.
    pub(crate) async fn publishing_to(pubsub: &PubSub) -> Self {
        let database = database().await;
        let (store, roles) = (database.store.clone(), Roles::default());
        let router = router_with(store, Door::open(), roles, pubsub.host()).await;
        Self { database, router }
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: &str) -> Answer {
        let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
        self.call(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, body: &str) -> Answer {
        self.send(Method::POST, path, body).await
    }

    /// Creates a key, and returns it as the answer shows it.
    pub(crate) async fn key(&self, body: &Value) -> Value {
        let answer = self.post("/admin/keys", &body.to_string()).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        answer.json()
    }

    /// Returns the actions of the audit log with their targets, newest first.
    pub(crate) async fn acts(&self) -> Vec<(String, Option<String>)> {
        let log = self.database.store.audit_log(None, 100).await.unwrap();
        log.into_iter().map(|entry| (entry.action, entry.target)).collect()
    }

    pub(crate) async fn contract(&self) -> Arc<Contract> {
        Contract::of(&self.router).await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        let request = Request::get(path).body(Body::empty()).unwrap();
        call(self.router.clone(), request).await
    }

    pub(crate) async fn call(&self, request: Request<Body>) -> Answer {
        call(self.router.clone(), request).await
    }

    pub(crate) async fn found(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        answer.json()
    }

    pub(crate) async fn replay(&self, id: impl std::fmt::Display) -> Answer {
        let request = Request::post(format!("/admin/events/{id}/replay"));
        call(self.router.clone(), request.body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn event(&self, event_type: &str, payload: &str) -> EventId {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let id = EventId::mint(now);
        let body = format!(r#"{{"eventType":"{event_type}","payload":{payload}}}"#);
        let mut batch = Batch::default();
        batch.push(id, &NewEvent::parse(body.as_bytes()).unwrap(), TRACE_ID);
        self.database.store.insert(batch, Duration::from_mins(2)).await.unwrap();
        id
    }

    /// Makes an event with this status.
    pub(crate) async fn event_in(&self, status: &str) -> EventId {
        let id = self.event("a", "{}").await;
        match status {
            "PENDING" => {}
            "PROCESSING" => drop(self.claim(id).await),
            "PROCESSED" => self.succeed(id).await,
            "FAILED" => self.fail(id).await,
            "DEAD_LETTER" => self.die(id).await,
            other => panic!("{other}"),
        }
        id
    }

    pub(crate) async fn claim(&self, id: EventId) -> u32 {
        let claimant = Claimant::of_message("worker-1", "7");
        let terms = ClaimTerms { isolate_after: 3, lease: Duration::from_secs(15), max_lost: 10 };
        match self.database.store.claim(id, claimant, terms).await.unwrap() {
            Delivery::Claimed(claim) => claim.attempt,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn succeed(&self, id: EventId) {
        let attempt = self.claim(id).await;
        assert!(self.database.store.succeed(id, attempt).await.unwrap());
    }

    pub(crate) async fn fail(&self, id: EventId) {
        let retry =
            AfterFailure::Retry { retry_count: 1, after: Duration::ZERO, due_after: Duration::from_mins(1) };
        self.end(id, AttemptEnd::Failed, retry, "no answer from the mail server").await;
    }

    pub(crate) async fn die(&self, id: EventId) {
        let dead = AfterFailure::Dead { retry_count: 3 };
        self.end(id, AttemptEnd::Permanent, dead, "there is no such user").await;
    }

    async fn end(&self, id: EventId, end: AttemptEnd, then: AfterFailure, reason: &str) {
        let attempt = self.claim(id).await;
        let failure = Failure { end, reason: reason.into(), then };
        assert!(self.database.store.fail(id, attempt, failure).await.unwrap());
    }
}

pub(crate) fn ids(events: &Value) -> Vec<EventId> {
    let events = events.as_array().unwrap().iter();
    events.map(|event| event["id"].as_str().unwrap().parse().unwrap()).collect()
}

pub(crate) async fn router(store: Store, door: Door) -> Router {
    router_for(store, door, Roles::default()).await
}

async fn router_for(store: Store, door: Door, roles: Roles) -> Router {
    router_with(store, door, roles, CLOSED_PORT.into()).await
}

async fn router_with(store: Store, door: Door, roles: Roles, pubsub: String) -> Router {
    let publisher = Publisher::connect(PublisherConfig {
        project: "test".into(),
        topic: "events".into(),
        emulator_host: Some(pubsub),
        credentials_file: None,
        timeout: Duration::from_millis(50),
    });
    let publisher = publisher.await.unwrap();
    admin::router(Admin { store, publisher, door, roles })
}

/// A store whose database is unavailable.
pub(crate) fn absent() -> Store {
    let url = format!("postgres://postgres@{CLOSED_PORT}/eventflow");
    Store::new(&StoreConfig { acquire_timeout: Duration::from_millis(100), ..StoreConfig::new(url, "test") })
        .unwrap()
}
