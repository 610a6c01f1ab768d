//! A ledger that knows fewer jobs than BigQuery.

use axum::http::StatusCode;
use store::testing::database;

use crate::harness::{Flusher, Out, events, settings, settled};

#[tokio::test]
async fn a_second_database_does_not_load_into_the_table_of_the_first() {
    let out = Out::start().await;
    let ids = out.events(&["first"]).await;
    out.drain().await;
    let second = database().await;
    events(&second.store, &["second"]).await;
    settled(&second).await;
    let flusher = Flusher::start(&second.store, &out.warehouse, settings()).await;
    for _ in 0..2 {
        let detail = flusher.refused(StatusCode::CONFLICT).await;
        assert!(detail.contains("BigQuery knows more") && detail.contains("admin adopt"), "{detail}");
        assert!(detail.contains("made by the cluster "), "{detail}");
    }
    out.holds(&ids).await;
    // The jobs of the first database are known to its own ledger.
    let more = out.events(&["more"]).await;
    out.drain().await;
    out.holds(ids.iter().chain(&more)).await;
}
