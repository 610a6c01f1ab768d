//! Tests that `live` stays small after many events, and that a search for due events costs nothing if there are none.
#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use common::{now, reason};
use event::{AfterFailure, AttemptEnd, Delivery, EventId, NewEvent};
use futures::StreamExt;
use futures::stream;
use serde_json::Value;
use sqlx::Row;
use store::testing::{Database, TRACE_ID, database};
use store::{Batch, ClaimTerms, Claimant, Store};

const EVENTS: usize = 20_000;
const BATCH: usize = 500;

/// Runs the whole life of an event. Every fiftieth fails once.
async fn live(store: &Store, n: usize, id: EventId) {
    for _ in 0..2 {
        let claimant = Claimant::of_message("test", n.to_string());
        let terms = ClaimTerms { isolate_after: 3, lease: Duration::from_secs(15), max_lost: 10 };
        let delivery = store.claim(id, claimant, terms).await.unwrap();
        let Delivery::Claimed(claim) = delivery else { panic!("{delivery:?}") };
        if n.is_multiple_of(50) && claim.attempt == 1 {
            let again = AfterFailure::Retry {
                retry_count: 1,
                after: Duration::ZERO,
                due_after: Duration::from_mins(1),
            };
            assert!(store.fail(id, 1, reason(AttemptEnd::Failed, again)).await.unwrap());
        } else {
            assert!(store.succeed(id, claim.attempt).await.unwrap());
            return;
        }
    }
}

/// Twenty thousand events stand for the hundred thousand of a longer run, in which the share of nine tenths would not
/// be lower.
#[tokio::test(flavor = "multi_thread")]
async fn updates_are_hot_and_live_is_small_again() {
    let database = database().await;
    let event = NewEvent::parse(br#"{"eventType":"a","payload":{}}"#).unwrap();
    for first in (0..EVENTS).step_by(BATCH) {
        let mut batch = Batch::default();
        let ids: Vec<_> = (first..first + BATCH).map(|n| (n, EventId::mint(now()))).collect();
        for (_, id) in &ids {
            batch.push(*id, &event, TRACE_ID);
        }
        database.store.insert(batch, Duration::from_mins(2)).await.unwrap();
        let lives = stream::iter(ids).map(|(n, id)| {
            let store = database.store.clone();
            async move { live(&store, n, id).await }
        });
        lives.buffer_unordered(16).collect::<()>().await;
    }
    // A session reports its statistics when it ends.
    database.store.close().await;
    let updates = EVENTS + 2 * EVENTS / 50;
    let (all, hot) = reported(&database, updates).await;
    assert!(hot * 10 > all * 9, "{hot} of {all} updates");
    database.sql("VACUUM live").await;
    let bytes: i64 = database.value("SELECT pg_table_size('live')").await;
    assert!(bytes < 128 * 1024, "{bytes} bytes for no row");
    // Pages of an index are reused and not given back.
    let bytes: i64 = database.value("SELECT pg_indexes_size('live')").await;
    assert!(bytes < 4 * 1024 * 1024, "{bytes} bytes of indexes for no row");
}

async fn reported(database: &Database, updates: usize) -> (i64, i64) {
    for _ in 0..500 {
        let question = "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'live'";
        let row = &database.sql(question).await[0];
        let (all, hot): (i64, i64) = (row.get(0), row.get(1));
        if all >= i64::try_from(updates).unwrap() {
            return (all, hot);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the server does not report {updates} updates");
}

#[tokio::test]
async fn a_look_for_what_is_due_is_one_index_probe() {
    let database = database().await;
    database
        .sql(
            "WITH event AS (
                 INSERT INTO events (id, event_type, payload)
                 SELECT (lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint), 12, '0') || '70008' || lpad(n::text, 15, '0'))::uuid,
                        'a', '{}' FROM generate_series(1, 100000) AS n
                 RETURNING id)
             INSERT INTO live (id, due_at) SELECT id, now() + interval '1 minute' FROM event",
        )
        .await;
    database.sql("ANALYZE live").await;
    database.sql("ANALYZE events").await;
    for mode in ["force_custom_plan", "force_generic_plan"] {
        let explain = format!(
            "SET plan_cache_mode = {mode}; PREPARE look AS {};
             EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE look (500, 720, 8)",
            statement_of("FOR UPDATE SKIP LOCKED", "due_at <= now()")
        );
        let rows = database.sql(&explain).await;
        let plan: Value = rows.last().unwrap().get(0);
        let mut scans = Vec::new();
        executed_scans(&plan[0]["Plan"], &mut scans);
        assert_eq!(scans, ["Index Scan of live by live_due: 0 rows"], "{mode}: {plan:#}");
        let blocks = plan[0]["Plan"]["Shared Hit Blocks"].as_u64().unwrap();
        assert!(blocks < 10, "{blocks} blocks");
    }
}

/// The statement as it is sent. The build checks the query data against the code.
fn statement_of(one: &str, other: &str) -> String {
    let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.sqlx")).unwrap();
    let mut found = files.filter_map(|file| {
        let file = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let query = serde_json::from_str::<Value>(&file).unwrap()["query"].as_str().unwrap().to_owned();
        (query.contains(one) && query.contains(other)).then_some(query)
    });
    let statement = found.next().unwrap();
    assert!(found.next().is_none(), "two statements look like this");
    statement
}

/// The scans of tables in a plan. A node that never ran is left out.
fn executed_scans(node: &Value, scans: &mut Vec<String>) {
    if let Some(table) = node["Relation Name"].as_str()
        && node["Node Type"] != "ModifyTable"
        && node["Actual Loops"] != 0
    {
        let (kind, rows) = (node["Node Type"].as_str().unwrap(), &node["Actual Rows"]);
        let index = node["Index Name"].as_str().unwrap_or("no index");
        scans.push(format!("{kind} of {table} by {index}: {rows} rows"));
    }
    for part in node["Plans"].as_array().into_iter().flatten() {
        executed_scans(part, scans);
    }
}
