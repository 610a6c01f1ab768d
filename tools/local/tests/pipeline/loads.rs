//! Whichever process dies, BigQuery has exactly one row for each event.

use local::stack::Part;
use serde_json::json;

use crate::system::System;

#[tokio::test(flavor = "multi_thread")]
async fn each_event_is_loaded_once() {
    let system = System::start(&[("FLUSH_EVERY_SECONDS", "1")]).await;
    let first = system.post("a", json!({"n":1})).await;
    system.until_loaded(&first).await;

    // The flusher dies between the ledger and the upload: the range is closed, and BigQuery knows nothing of it.
    system.stack.take_away(Part::Bigquery).await.unwrap();
    let away = system.post("a", json!({"n":2})).await;
    system.until_number("SELECT count(*) FROM loads WHERE loaded_at IS NULL", 1).await;
    system.stack.kill(Part::BqFlush).await.unwrap();
    system.stack.restart(Part::Bigquery).await.unwrap();
    system.until_loaded(&away).await;

    // The flusher dies between the upload and the ledger: BigQuery has the job, and its answer was lost.
    system.faults(Part::Bigquery, &json!({"loseResponses":1,"jobRunningMs":2000})).await;
    let untold = system.post("a", json!({"n":3})).await;
    system.until_number("SELECT count(*) FROM loads WHERE loaded_at IS NULL", 1).await;
    system.stack.kill(Part::BqFlush).await.unwrap();
    system.until_loaded(&untold).await;
    system.faults(Part::Bigquery, &json!({})).await;

    // A job that ended in error has loaded nothing, and another job replaces it.
    system.faults(Part::Bigquery, &json!({"failJobs":{"reason":"backendError","count":2}})).await;
    let failed = system.post("a", json!({"n":4})).await;
    system.until_loaded(&failed).await;

    system.until_number("SELECT count(*) FROM loads WHERE loaded_at IS NULL", 0).await;
    for id in [&first, &away, &untold, &failed] {
        assert_eq!(system.rows_of(id).await, 1);
    }
    system.stop().await;
}
