use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use bq_flush::{BqFlush, Settings};
use event::{EventId, NewEvent};
use gcp::testing::{Issuer, claims};
use gcp::{BigQuery, BigQueryConfig};
use serde_json::Value;
use service::Shutdown;
use service::testing::{Answer, call};
use store::testing::{Database, TRACE_ID, database};
use store::{Batch, Numbers, Store};

use crate::client::Server;

const AUDIENCE: &str = "http://localhost:8083";
const SCHEDULER: &str = "scheduler@eventflow-local.iam.gserviceaccount.com";

/// A database, a warehouse, and a flusher between them.
pub(crate) struct Out {
    pub(crate) database: Database,
    pub(crate) warehouse: Server,
    pub(crate) flusher: Flusher,
}

pub(crate) struct Flusher {
    issuer: Issuer,
    router: Router,
}

pub(crate) fn settings() -> Settings {
    Settings {
        limit: Duration::from_secs(20),
        lease: Duration::from_secs(10),
        poll: Duration::from_millis(10),
        rows_per_load: 1_000,
        bytes_per_load: 1 << 20,
        rows_per_page: 10,
        jobs_a_day: 1_500,
        first_wait: Duration::from_mins(1),
        longest_wait: Duration::from_mins(10),
        numbers: Numbers::Exact,
    }
}

impl Out {
    pub(crate) async fn start() -> Self {
        Self::with(settings()).await
    }

    pub(crate) async fn with(settings: Settings) -> Self {
        let (database, warehouse) = (database().await, Server::start().await);
        let flusher = Flusher::start(&database.store, &warehouse, settings).await;
        Self { database, warehouse, flusher }
    }

    /// Stores the events in one statement, so that they share a transaction.
    pub(crate) async fn events(&self, payloads: &[&str]) -> Vec<String> {
        events(&self.database.store, payloads).await
    }

    /// Flushes until no event is left to load, and sums up the results.
    pub(crate) async fn drain(&self) -> Drained {
        settled(&self.database).await;
        let mut drained = Drained::default();
        for _ in 0..50 {
            let done = self.flusher.flushed().await;
            drained.rows += done["rows"].as_i64().unwrap();
            drained.rejected += done["rejected"].as_i64().unwrap();
            if done["unloadedRows"] == 0 {
                return drained;
            }
        }
        panic!("it does not drain: {}", self.flusher.flushed().await);
    }

    pub(crate) async fn number(&self, question: &str) -> i64 {
        self.database.value(question).await
    }

    /// Checks that BigQuery has exactly these events, each of them once.
    pub(crate) async fn holds(&self, ids: impl IntoIterator<Item = &String>) {
        let mut wanted: Vec<_> = ids.into_iter().cloned().collect();
        let mut found = self.warehouse.ids().await;
        wanted.sort();
        found.sort();
        assert_eq!(found, wanted);
    }

    /// Returns the payload of each event in BigQuery.
    pub(crate) async fn payloads(&self) -> BTreeMap<String, String> {
        let (status, page) = self.warehouse.get("/datasets/d/tables/events/data").await;
        assert_eq!(status, 200, "{page}");
        let rows = page["rows"].as_array().unwrap();
        let cell = |row: &Value, at: usize| row["f"][at]["v"].as_str().unwrap().to_owned();
        rows.iter().map(|row| (cell(row, 0), cell(row, 2))).collect()
    }

    /// Ends all waits, as if their time had come.
    pub(crate) async fn waits_are_over(&self) {
        self.database.sql("UPDATE loads SET retry_at = clock_timestamp() WHERE retry_at IS NOT NULL").await;
    }
}

#[derive(Debug, Default, PartialEq)]
pub(crate) struct Drained {
    pub(crate) rows: i64,
    pub(crate) rejected: i64,
}

impl Flusher {
    pub(crate) async fn start(store: &Store, warehouse: &Server, settings: Settings) -> Self {
        Self::to(store, bigquery(warehouse), settings).await
    }

    pub(crate) async fn to(store: &Store, bigquery: BigQueryConfig, settings: Settings) -> Self {
        let issuer = Issuer::start().await;
        let service = BqFlush {
            store: store.clone(),
            bigquery: BigQuery::connect(bigquery).await.unwrap(),
            identity: issuer.identity(AUDIENCE),
            scheduler: SCHEDULER.into(),
            settings,
            shutdown: Shutdown::new(),
        };
        let (router, _) = service.router();
        Self { issuer, router }
    }

    pub(crate) async fn flush(&self) -> Answer {
        let token = self.issuer.token(&claims(SCHEDULER, AUDIENCE));
        let request = Request::post("/flush").header("authorization", format!("Bearer {token}"));
        call(self.router.clone(), request.body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn flushed(&self) -> Value {
        let answer = self.flush().await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        answer.json()
    }

    pub(crate) async fn refused(&self, status: StatusCode) -> String {
        let problem = self.flush().await.problem(status);
        problem["detail"].as_str().unwrap().to_owned()
    }
}

pub(crate) fn bigquery(warehouse: &Server) -> BigQueryConfig {
    BigQueryConfig {
        project: "p".into(),
        dataset: "d".into(),
        table: "events".into(),
        location: None,
        emulator_host: Some(warehouse.base().trim_start_matches("http://").into()),
        credentials_file: None,
        timeout: Duration::from_secs(2),
    }
}

/// Stores events. A payload is a word, or JSON.
pub(crate) async fn events(store: &Store, payloads: &[&str]) -> Vec<String> {
    // IDs of one millisecond have no order, but the tests rely on positions, so each event gets its own millisecond.
    let mut at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let (mut batch, mut ids) = (Batch::default(), Vec::new());
    for payload in payloads {
        at += Duration::from_millis(1);
        let id = EventId::mint(at);
        let is_json = payload.starts_with('{');
        let payload = if is_json { (*payload).to_owned() } else { format!(r#"{{"is":"{payload}"}}"#) };
        let body = format!(r#"{{"eventType":"a","payload":{payload}}}"#);
        batch.push(id, &NewEvent::parse(body.as_bytes()).unwrap(), TRACE_ID);
        ids.push(id.to_string());
    }
    store.insert(batch, Duration::from_mins(2)).await.unwrap();
    ids
}

/// Waits until the watermark is above every event. Transactions of other tests on the server hold it back.
pub(crate) async fn settled(database: &Database) {
    let question = "SELECT coalesce((SELECT xid FROM events ORDER BY xid DESC LIMIT 1), '0')
                         < pg_snapshot_xmin(pg_current_snapshot())";
    let waiting = async {
        while !database.value::<bool>(question).await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), waiting).await.unwrap();
}
