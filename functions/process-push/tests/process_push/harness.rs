use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use event::{EventId, NewEvent, Retries};
use futures::future::join_all;
use gcp::testing::{Issuer, PubSub, claims};
use gcp::{Publisher, PublisherConfig};
use process_push::{Callers, Handlers, ProcessPush, Settings, handlers};
use serde_json::json;
use service::Shutdown;
use service::testing::{Answer, call};
use store::testing::{Database, TRACE_ID, database};
use store::{Batch, ClaimTerms, IdempotencyKey, Record, Store, StoreConfig};
use tokio_util::task::TaskTracker;

pub(crate) const AUDIENCE: &str = "http://localhost:8081";
pub(crate) const PUSHER: &str = "pusher@eventflow-local.iam.gserviceaccount.com";
pub(crate) const SCHEDULER: &str = "scheduler@eventflow-local.iam.gserviceaccount.com";
/// Nothing listens on this port: it is reserved for root, and no service uses it.
const CLOSED_PORT: &str = "127.0.0.1:1";

/// A service with its own database.
pub(crate) struct Service {
    pub(crate) database: Database,
    pub(crate) issuer: Issuer,
    pub(crate) shutdown: Shutdown,
    pub(crate) attempts: TaskTracker,
    router: Router,
}

impl Service {
    pub(crate) async fn start() -> Self {
        Self::with(handlers::registered().with_demo(), settings()).await
    }

    pub(crate) async fn with(handlers: Handlers, settings: Settings) -> Self {
        Self::on(database().await, handlers, settings).await
    }

    pub(crate) async fn on(database: Database, handlers: Handlers, settings: Settings) -> Self {
        let store = database.store.clone();
        Self::beside(database, store, handlers, settings).await
    }

    /// A service whose database is unavailable.
    pub(crate) async fn without_database() -> Self {
        Self::without_database_with(settings()).await
    }

    pub(crate) async fn without_database_with(settings: Settings) -> Self {
        let away = StoreConfig {
            acquire_timeout: Duration::from_millis(20),
            ..StoreConfig::new(format!("postgres://postgres@{CLOSED_PORT}/eventflow"), "test")
        };
        let store = Store::new(&away).unwrap();
        Self::beside(database().await, store, handlers::registered().with_demo(), settings).await
    }

    pub(crate) async fn beside(
        database: Database,
        store: Store,
        handlers: Handlers,
        settings: Settings,
    ) -> Self {
        Self::of(database, store, handlers, settings, publisher().await).await
    }

    /// A service with a working Pub/Sub.
    pub(crate) async fn publishing_to(pubsub: &PubSub, settings: Settings) -> Self {
        let database = database().await;
        let store = database.store.clone();
        let publisher = publisher_to(pubsub.host(), Duration::from_secs(10)).await;
        Self::of(database, store, handlers::registered().with_demo(), settings, publisher).await
    }

    async fn of(
        database: Database,
        store: Store,
        handlers: Handlers,
        settings: Settings,
        publisher: Publisher,
    ) -> Self {
        let issuer = Issuer::start().await;
        let shutdown = Shutdown::new();
        let service = ProcessPush {
            store,
            publisher,
            identity: issuer.identity(AUDIENCE),
            callers: Callers { push: PUSHER.into(), scheduler: SCHEDULER.into() },
            handlers,
            settings,
            shutdown: shutdown.clone(),
        };
        let (router, attempts) = service.router();
        Self { database, issuer, shutdown, attempts, router }
    }

    pub(crate) async fn call(&self, request: Request<Body>) -> Answer {
        call(self.router.clone(), request).await
    }

    /// Calls as `email`, with a valid token.
    pub(crate) async fn call_as(&self, email: &str, path: &str, body: impl Into<Body>) -> Answer {
        let token = self.issuer.token(&claims(email, AUDIENCE));
        self.call_with(&token, path, body).await
    }

    async fn call_with(&self, token: &str, path: &str, body: impl Into<Body>) -> Answer {
        let request = Request::post(path).header("authorization", format!("Bearer {token}"));
        self.call(request.body(body.into()).unwrap()).await
    }

    /// Calls with many events, fifty at a time and with one token. True if each answer had this status.
    pub(crate) async fn all_answer(&self, path: &str, ids: &[EventId], status: StatusCode) -> bool {
        let token = self.issuer.token(&claims(PUSHER, AUDIENCE));
        for ids in ids.chunks(50) {
            let calls = ids.iter().map(|id| self.call_with(&token, path, envelope(*id)));
            if join_all(calls).await.iter().any(|answer| answer.status != status) {
                return false;
            }
        }
        true
    }

    pub(crate) async fn push(&self, id: EventId) -> StatusCode {
        self.call_as(PUSHER, "/push", envelope(id)).await.status
    }

    /// Pushes at the time when Pub/Sub's own retry would come: after `retry_at`.
    pub(crate) async fn push_later(&self, id: EventId) -> StatusCode {
        self.database.sql("UPDATE live SET retry_at = now()").await;
        self.push(id).await
    }

    pub(crate) async fn dead_letter(&self, id: EventId) -> StatusCode {
        self.call_as(PUSHER, "/dead-letter", envelope(id)).await.status
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

    pub(crate) async fn event_with(&self, key: IdempotencyKey) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let mut batch = Batch::default();
        let event = NewEvent::parse(br#"{"eventType":"a","payload":{}}"#).unwrap();
        batch.push_keyed(EventId::mint(now), &event, TRACE_ID, key);
        self.database.store.insert(batch, Duration::from_mins(2)).await.unwrap();
    }

    pub(crate) async fn record(&self, id: EventId) -> Record {
        self.database.store.record(id).await.unwrap().unwrap()
    }

    /// Returns the status and the retry count of the event, and the end of each attempt that did not succeed.
    pub(crate) async fn state(&self, id: EventId) -> String {
        let record = self.record(id).await;
        let history = self.database.store.history(id).await.unwrap();
        let failures = history.attempts.into_iter();
        let told = failures.map(|attempt| format!(", {}: {}", attempt.ended, attempt.reason));
        let state = format!("{} {}", record.status, record.retry_count);
        [state].into_iter().chain(told).collect()
    }

    pub(crate) async fn is(&self, question: &str) -> bool {
        self.database.value(question).await
    }

    pub(crate) async fn count(&self, question: &str) -> i64 {
        self.database.value(question).await
    }
}

/// The settings of a laptop, except for those that a test would have to wait for.
pub(crate) fn settings() -> Settings {
    Settings {
        instance: "test".into(),
        handler_limit: Duration::from_secs(10),
        claim: ClaimTerms { isolate_after: 3, lease: Duration::from_secs(15), max_lost: 10 },
        retries: Retries {
            max: 3,
            backoff_min: Duration::from_mins(1),
            backoff_max: Duration::from_mins(10),
            max_interrupted: 20,
            push_grace: Duration::from_secs(5),
        },
        first_due: Duration::from_mins(2),
        due_step: Duration::from_mins(12),
        concurrency: 4,
        drain_grace: Duration::from_millis(50),
        relay_page: 2,
        relay_pages: 10,
        relay_runs: 10,
        relay_limit: Duration::from_secs(20),
        retention: Duration::from_hours(24 * 90),
        maintain_limit: Duration::from_mins(1),
    }
}

pub(crate) fn envelope(id: EventId) -> String {
    json!({
        "message": { "data": BASE64_STANDARD.encode(id.to_string()), "messageId": "7", "attributes": {} },
        "subscription": "projects/test/subscriptions/events-worker",
    })
    .to_string()
}

/// A publisher that cannot reach Pub/Sub.
async fn publisher() -> Publisher {
    publisher_to(CLOSED_PORT.into(), Duration::from_millis(50)).await
}

async fn publisher_to(host: String, timeout: Duration) -> Publisher {
    Publisher::connect(PublisherConfig {
        project: "test".into(),
        topic: "events".into(),
        emulator_host: Some(host),
        credentials_file: None,
        timeout,
    })
    .await
    .unwrap()
}
