#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use event::{AfterFailure, AttemptEnd, Delivery, EventId, NewEvent};
use sqlx::Row;
use store::testing::{Database, TRACE_ID, act, database};
use store::{Batch, Claim, ClaimTerms, Claimant, Failure, KeySecret, KeySettings, Replayed, Store};

pub(crate) fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
}

pub(crate) fn key_secret(id: &str) -> KeySecret {
    let mut hash = [0; 32];
    hash[..id.len()].copy_from_slice(id.as_bytes());
    KeySecret { id: id.into(), hash }
}

pub(crate) fn key_settings(name: &str) -> KeySettings {
    KeySettings { name: name.into(), event_types: None, rate_limit: None, expires_at: None }
}

pub(crate) fn reason(end: AttemptEnd, then: AfterFailure) -> Failure {
    Failure { end, reason: "because".into(), then }
}

pub(crate) async fn insert(store: &Store, event_type: &str, payload: &str) -> EventId {
    let id = EventId::mint(now());
    let body = format!(r#"{{"eventType":"{event_type}","payload":{payload}}}"#);
    let mut batch = Batch::default();
    batch.push(id, &NewEvent::parse(body.as_bytes()).unwrap(), TRACE_ID);
    store.insert(batch, Duration::from_secs(20)).await.unwrap();
    id
}

/// One event in a database of its own.
pub(crate) struct Life {
    pub(crate) database: Database,
    pub(crate) store: Store,
    pub(crate) id: EventId,
}

impl Life {
    pub(crate) async fn begin() -> Self {
        let database = database().await;
        let store = database.store.clone();
        let id = insert(&store, "a", r#"{"n": 1.50}"#).await;
        Self { database, store, id }
    }

    pub(crate) async fn deliver(&self) -> Delivery<Claim> {
        self.deliver_to(self.id).await
    }

    pub(crate) async fn deliver_to(&self, id: EventId) -> Delivery<Claim> {
        let claimant = Claimant::of_message("test", "1");
        let terms = ClaimTerms { isolate_after: 3, lease: Duration::from_secs(15), max_lost: 10 };
        self.store.claim(id, claimant, terms).await.unwrap()
    }

    pub(crate) async fn claimed(&self) -> Claim {
        match self.deliver().await {
            Delivery::Claimed(claim) => claim,
            other => panic!("not claimed but {other:?}"),
        }
    }

    pub(crate) async fn lease_ends(&self) {
        self.database.sql("UPDATE live SET lease_until = now() - interval '1 second'").await;
    }

    pub(crate) async fn replay(&self) -> Replayed {
        self.store.replay(self.id, act()).await.unwrap()
    }

    pub(crate) async fn status(&self) -> String {
        self.store.record(self.id).await.unwrap().unwrap().status.to_string()
    }

    pub(crate) async fn yes(&self, question: &str) -> bool {
        self.database.sql(question).await[0].try_get(0).unwrap()
    }
}

/// Waits until all rows of `database` lie below the watermark, since transactions of other tests hold the whole
/// server's watermark back.
pub(crate) async fn settled(database: &Database) {
    for _ in 0..500 {
        let rows = database
            .sql("SELECT coalesce(max(xid), '0') < pg_snapshot_xmin(pg_current_snapshot()) FROM events")
            .await;
        if rows[0].try_get(0).unwrap() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("a transaction on this server is open for more than ten seconds");
}

/// Folds until the totals have passed all rows of `database`.
pub(crate) async fn folded(database: &Database) {
    let passed = "SELECT position > greatest((SELECT max(xid) FROM events), (SELECT max(xid) FROM outcomes),
                                             (SELECT max(xid) FROM replays))
                    FROM cursors WHERE name = 'totals'";
    for _ in 0..500 {
        database.store.fold_totals().await.unwrap();
        if database.value(passed).await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("a transaction on this server is open for more than ten seconds");
}
