//! A range that is too large for a flush is cut, and no row of it is loaded twice.

use std::time::Duration;

use bq_flush::Settings;
use serde_json::{Value, json};

use crate::client::Server;
use crate::harness::{Drained, Out, settings, settled};

const OPEN: &str = "SELECT count(*) FROM loads WHERE loaded_at IS NULL";
const JOB: &str = "SELECT job_id FROM loads WHERE loaded_at IS NULL";

/// BigQuery takes each chunk slowly, so the upload takes longer than a flush may.
#[tokio::test]
async fn a_range_that_does_not_go_up_within_the_limit_is_cut_until_its_parts_do() {
    let out =
        Out::with(Settings { limit: Duration::from_secs(5), bytes_per_load: 64 << 20, ..settings() }).await;
    // This event creates the table.
    let mut ids = out.events(&["first"]).await;
    out.drain().await;
    out.warehouse.faults(json!({"delayMs": 500})).await;
    let large = "x".repeat(300_000);
    ids.extend(out.events(&vec![large.as_str(); 120]).await);
    settled(&out.database).await;
    for flushes in 1.. {
        let done = out.flusher.flushed().await;
        if done["unloadedRows"] == 0 {
            break;
        }
        assert!(flushes < 100, "it starts over for ever: {done}");
    }
    holds(&out, &ids).await;
    let cut = "SELECT count(*) FROM loads WHERE cut_at IS NOT NULL AND depth = 0";
    assert!(out.number(cut).await > 1);
    assert_eq!(out.number("SELECT sum(rows)::bigint FROM loads").await, 121);

    // A size that was too large is not tried again.
    out.warehouse.faults(json!({})).await;
    ids.extend(out.events(&vec![large.as_str(); 60]).await);
    ids.extend(out.events(&vec![large.as_str(); 60]).await);
    assert_eq!(out.drain().await, Drained { rows: 120, rejected: 0 });
    assert_eq!(out.number("SELECT count(*) FROM loads WHERE rows = 60 AND cut_at IS NULL").await, 2);
    holds(&out, &ids).await;
}

/// Reads only the IDs, page after page, because all payloads would be too large.
async fn holds(out: &Out, ids: &[String]) {
    let (mut found, mut next) = (Vec::new(), String::new());
    loop {
        let path = format!("/datasets/d/tables/events/data?selectedFields=id{next}");
        let (status, page) = out.warehouse.get(&path).await;
        assert_eq!(status, 200, "{page}");
        let rows = page["rows"].as_array().unwrap();
        found.extend(rows.iter().map(|row| row["f"][0]["v"].as_str().unwrap().to_owned()));
        let Some(token) = page["pageToken"].as_str() else { break };
        next = format!("&pageToken={token}");
    }
    let mut wanted = ids.to_vec();
    found.sort();
    wanted.sort();
    assert_eq!(found, wanted);
}

/// Returns a range of two events that two uploads have left open, and its job, which was never made.
async fn given_up() -> (Out, Vec<String>, Value) {
    let out = Out::start().await;
    let mut ids = out.events(&["first"]).await;
    out.drain().await;
    let busy = json!({"http": {"status": 503}});
    out.warehouse.faults(busy).await;
    ids.extend(out.events(&["a", "b"]).await);
    settled(&out.database).await;
    out.flusher.flush().await;
    out.database.sql("UPDATE loads SET uploads = 2, retry_at = NULL WHERE loaded_at IS NULL").await;
    out.warehouse.faults(json!({})).await;
    let job = crate::client::job(&out.database.value::<String>(JOB).await);
    (out, ids, job)
}

fn rows(ids: &[String]) -> String {
    let row = |id: &String| {
        format!(
            "{{\"id\":\"{id}\",\"eventType\":\"a\",\"payload\":{{}},\"status\":\"PENDING\",\"retryCount\":0,\
             \"createdAt\":\"2026-01-01T00:00:00Z\",\"updatedAt\":\"2026-01-01T00:00:00Z\"}}\n"
        )
    };
    ids.iter().map(row).collect()
}

async fn finish(server: &Server, session: &str, rows: &str) -> u16 {
    let range = format!("bytes 0-{}/{}", rows.len() - 1, rows.len());
    server.put(session, &range, rows.to_owned()).await.status().as_u16()
}

#[tokio::test]
async fn a_frozen_upload_that_ends_after_the_cut_loads_nothing() {
    let (out, ids, job) = given_up().await;
    let session = out.warehouse.open(&job).await;
    assert_eq!(out.drain().await, Drained { rows: 2, rejected: 0 });
    assert_eq!(out.number("SELECT count(*) FROM loads WHERE cut_at IS NOT NULL").await, 2);
    assert_eq!(finish(&out.warehouse, &session, &rows(&ids[1..])).await, 409, "the job is there");
    out.holds(&ids).await;
}

#[tokio::test]
async fn a_frozen_upload_that_ends_before_the_cut_has_loaded_the_range() {
    let (out, ids, job) = given_up().await;
    let session = out.warehouse.open(&job).await;
    assert_eq!(finish(&out.warehouse, &session, &rows(&ids[1..])).await, 200);
    out.drain().await;
    assert_eq!(out.number("SELECT count(*) FROM loads WHERE cut_at IS NOT NULL").await, 0);
    out.holds(&ids).await;
}

/// The flusher dies between the empty job and the ledger.
#[tokio::test]
async fn a_job_that_was_made_empty_is_known_again() {
    let (out, ids, job) = given_up().await;
    assert_eq!(out.warehouse.load(&job, "").await["status"], json!({"state": "DONE"}));
    assert_eq!(out.drain().await, Drained { rows: 2, rejected: 0 });
    assert_eq!(out.number("SELECT count(*) FROM loads WHERE cut_at IS NOT NULL").await, 2);
    out.holds(&ids).await;

    // One row cannot be cut. An empty job of a range with few uploads is no sign of its size.
    for (words, uploads) in [(vec!["c"], 2), (vec!["d", "e"], 0)] {
        out.warehouse.faults(json!({"http": {"status": 503}})).await;
        out.events(&words).await;
        settled(&out.database).await;
        out.flusher.flush().await;
        let again = format!("UPDATE loads SET uploads = {uploads}, retry_at = NULL WHERE loaded_at IS NULL");
        out.database.sql(&again).await;
        out.warehouse.faults(json!({})).await;
        let job = crate::client::job(&out.database.value::<String>(JOB).await);
        assert_eq!(out.warehouse.load(&job, "").await["status"], json!({"state": "DONE"}));
        out.flusher.flushed().await;
        out.waits_are_over().await;
        assert_eq!(out.drain().await, Drained { rows: i64::try_from(words.len()).unwrap(), rejected: 0 });
    }
    assert_eq!(out.number(OPEN).await, 0);
    assert_eq!(out.number("SELECT count(*) FROM loads WHERE cut_at IS NOT NULL").await, 2);
}

#[tokio::test]
async fn a_job_that_takes_more_than_bigquery_has_is_cut() {
    let out = Out::start().await;
    out.warehouse.faults(json!({"failJobs": {"reason": "resourcesExceeded", "count": 1}})).await;
    let ids = out.events(&["a", "b", "c"]).await;
    assert_eq!(out.drain().await, Drained { rows: 3, rejected: 0 });
    out.holds(&ids).await;
    assert_eq!(out.number("SELECT count(*) FROM loads WHERE cut_at IS NOT NULL").await, 2);
}
