//! A row that BigQuery refuses is found, stored with its reason, and can be loaded later.

use std::time::Duration;

use bq_flush::Settings;
use serde_json::json;
use store::testing::act;

use crate::harness::{Drained, Flusher, Out, settings};

const POISON: &str = "poison";

async fn poisoned(out: &Out) {
    out.warehouse.faults(json!({"invalidRows": POISON})).await;
}

#[tokio::test]
async fn a_row_that_does_not_fit_is_kept_with_its_reason_and_the_others_load() {
    let out = Out::start().await;
    poisoned(&out).await;
    let mut payloads = vec!["good"; 40];
    payloads[17] = POISON;
    let mut ids = out.events(&payloads).await;
    let bad = ids.remove(17);
    assert_eq!(out.drain().await, Drained { rows: 39, rejected: 1 });
    out.holds(&ids).await;
    let kept = format!(
        "SELECT count(*) FROM load_rejects WHERE id = '{bad}' AND payload->>'is' = '{POISON}'
            AND reason LIKE '%told not to fit%' AND reloaded_at IS NULL"
    );
    assert_eq!(out.number(&kept).await, 1);
    // BigQuery names the position of the row, so there are four jobs: the whole range, the rows before it, the row
    // itself, and the rows behind it.
    assert_eq!(out.number("SELECT count(*) FROM load_jobs").await, 4);
    assert_eq!(out.number("SELECT sum(rows)::bigint FROM loads WHERE rejected = 0").await, 39);
    assert_eq!(out.flusher.flushed().await["jobsLeftToday"], 1496);
}

/// The flusher that uploaded the rows is gone, so the position of each row in the upload is unknown.
#[tokio::test]
async fn without_a_memory_of_the_upload_it_is_found_by_halves() {
    let out = Out::with(Settings { limit: Duration::from_millis(500), ..settings() }).await;
    out.warehouse.faults(json!({"invalidRows": POISON, "jobRunningMs": 2000})).await;
    let mut ids = out.events(&["good", "good", "good", "good", POISON, "good", "good", "good"]).await;
    let bad = ids.remove(4);
    crate::harness::settled(&out.database).await;
    out.flusher.flushed().await;
    assert_eq!(out.number("SELECT count(*) FROM loads WHERE loaded_at IS NULL").await, 1);
    tokio::time::sleep(Duration::from_secs(3)).await;
    poisoned(&out).await;
    let other = Flusher::start(&out.database.store, &out.warehouse, settings()).await;
    let out = Out { flusher: other, ..out };
    assert_eq!(out.drain().await, Drained { rows: 7, rejected: 1 });
    out.holds(&ids).await;
    assert_eq!(out.number(&format!("SELECT count(*) FROM load_rejects WHERE id = '{bad}'")).await, 1);
}

#[tokio::test]
async fn a_search_without_end_leaves_half_of_the_jobs_to_the_others() {
    let out = Out::with(Settings { jobs_a_day: 20, ..settings() }).await;
    poisoned(&out).await;
    out.events(&[POISON; 64]).await;
    crate::harness::settled(&out.database).await;
    let done = out.flusher.flushed().await;
    assert_eq!((&done["jobsLeftToday"], &done["waiting"]["reason"]), (&json!(10), &json!("Quota")), "{done}");
    assert!(done["waiting"]["why"].as_str().unwrap().contains("may go up to 10 of 20"), "{done}");
    let late = out.events(&["good"]).await;
    crate::harness::settled(&out.database).await;
    let done = out.flusher.flushed().await;
    assert_eq!((&done["rows"], &done["jobsLeftToday"]), (&json!(1), &json!(9)), "{done}");
    out.holds(&late).await;
    // The search continues a day later.
    while out.number("SELECT count(*) FROM loads WHERE loaded_at IS NULL").await > 0 {
        out.database.sql("UPDATE load_jobs SET made_at = made_at - interval '1 day'").await;
        out.flusher.flushed().await;
    }
    assert_eq!(out.number("SELECT count(*) FROM load_rejects").await, 64);
    out.holds(&late).await;
}

#[tokio::test]
async fn a_reject_is_loaded_again_on_request_and_once() {
    let out = Out::start().await;
    poisoned(&out).await;
    let ids = out.events(&["good", POISON, POISON, "good"]).await;
    assert_eq!(out.drain().await, Drained { rows: 2, rejected: 2 });
    let store = &out.database.store;

    assert_eq!(store.retry_rejects(None, act()).await.unwrap(), 2);
    assert_eq!(store.retry_rejects(None, act()).await.unwrap(), 0, "asked for already");
    assert_eq!(out.drain().await, Drained { rows: 0, rejected: 2 }, "nothing was fixed");

    out.warehouse.faults(json!({})).await;
    let one = ids[1].parse().unwrap();
    assert_eq!(store.retry_rejects(Some(vec![one]), act()).await.unwrap(), 1);
    assert_eq!(out.drain().await, Drained { rows: 1, rejected: 0 });
    assert_eq!(store.retry_rejects(None, act()).await.unwrap(), 1, "the one is loaded by now");
    assert_eq!(out.drain().await, Drained { rows: 1, rejected: 0 });
    out.holds(&ids).await;
    assert_eq!(out.number("SELECT count(*) FROM load_rejects WHERE reloaded_at IS NOT NULL").await, 2);
}
