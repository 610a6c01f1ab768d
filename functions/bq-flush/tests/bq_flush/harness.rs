use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use bq_flush::{BqFlush, Settings};
use event::{EventId, NewEvent};
use gcp::testing::{Issuer, claims};
use gcp::{BigQuery, BigQueryConfig};
use service::Shutdown;
use service::testing::{Answer, call};
use store::testing::{Database, TRACE_ID, database};
use store::{Batch, Numbers, Store, StoreConfig};

pub(crate) const AUDIENCE: &str = "http://localhost:8083";
pub(crate) const SCHEDULER: &str = "scheduler@eventflow-local.iam.gserviceaccount.com";
/// Nothing listens on this port: it is reserved for root, and no service uses it.
const CLOSED_PORT: &str = "127.0.0.1:1";

/// A service with its own database.
pub(crate) struct Service {
    pub(crate) database: Database,
    pub(crate) issuer: Issuer,
    router: Router,
}

impl Service {
    pub(crate) async fn start() -> Self {
        let database = database().await;
        let store = database.store.clone();
        Self::beside(database, store).await
    }

    /// A service whose database is unavailable.
    pub(crate) async fn without_database() -> Self {
        let url = format!("postgres://postgres@{CLOSED_PORT}/eventflow");
        let away =
            StoreConfig { acquire_timeout: Duration::from_millis(100), ..StoreConfig::new(url, "test") };
        Self::beside(database().await, Store::new(&away).unwrap()).await
    }

    async fn beside(database: Database, store: Store) -> Self {
        let issuer = Issuer::start().await;
        let service = BqFlush {
            store,
            bigquery: bigquery().await,
            identity: issuer.identity(AUDIENCE),
            scheduler: SCHEDULER.into(),
            settings: settings(),
            shutdown: Shutdown::new(),
        };
        let (router, _) = service.router();
        Self { database, issuer, router }
    }

    pub(crate) async fn call(&self, request: Request<Body>) -> Answer {
        call(self.router.clone(), request).await
    }

    pub(crate) async fn flush(&self) -> Answer {
        let token = self.issuer.token(&claims(SCHEDULER, AUDIENCE));
        let request = Request::post("/flush").header("authorization", format!("Bearer {token}"));
        self.call(request.body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn event(&self) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let event = NewEvent::parse(br#"{"eventType":"a","payload":{}}"#).unwrap();
        let mut batch = Batch::default();
        batch.push(EventId::mint(now), &event, TRACE_ID);
        self.database.store.insert(batch, Duration::from_mins(2)).await.unwrap();
    }

    /// Waits until a range can close above every event, because transactions of other tests on the server hold it open.
    pub(crate) async fn settled(&self) {
        let question = "SELECT coalesce(max(xid), '0') < pg_snapshot_xmin(pg_current_snapshot()) FROM events";
        let waiting = async {
            while !self.database.value::<bool>(question).await {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let settled = tokio::time::timeout(Duration::from_secs(20), waiting).await;
        settled.expect("no transaction on this server stays open so long");
    }
}

fn settings() -> Settings {
    Settings {
        limit: Duration::from_secs(10),
        lease: Duration::from_secs(10),
        poll: Duration::from_millis(10),
        rows_per_load: 1_000,
        bytes_per_load: 1 << 20,
        rows_per_page: 10,
        jobs_a_day: 1_500,
        first_wait: Duration::from_secs(1),
        longest_wait: Duration::from_secs(1),
        numbers: Numbers::Exact,
    }
}

async fn bigquery() -> BigQuery {
    BigQuery::connect(BigQueryConfig {
        project: "test".into(),
        dataset: "eventflow".into(),
        table: "events".into(),
        location: None,
        emulator_host: Some(CLOSED_PORT.into()),
        credentials_file: None,
        timeout: Duration::from_secs(1),
    })
    .await
    .unwrap()
}
