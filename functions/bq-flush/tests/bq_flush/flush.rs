use std::time::Duration;

use axum::http::StatusCode;
use insta::internals::{Content, ContentPath};
use store::FlusherLease;

use crate::harness::Service;

const LEDGER: &str =
    "SELECT string_agg(format('%s rows as %s', rows, job_id), ', ') FROM loads WHERE loaded_at IS NULL";

#[tokio::test]
async fn with_nothing_to_load_bigquery_is_not_asked() {
    let service = Service::start().await;
    let answer = service.flush().await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    insta::assert_json_snapshot!(answer.json(), @r#"
    {
      "busy": false,
      "bytes": 0,
      "heldBackBy": [],
      "jobsLeftToday": 1500,
      "loads": [],
      "longestWait": 0,
      "oldestUnloaded": null,
      "rejected": 0,
      "rounded": 0,
      "rows": 0,
      "unloadedRows": 0,
      "waiting": null
    }
    "#);
}

#[tokio::test]
async fn without_bigquery_the_ledger_keeps_the_range_and_its_job() {
    let service = Service::start().await;
    service.event().await;
    service.event().await;
    service.settled().await;
    let problem = service.flush().await.problem(StatusCode::BAD_GATEWAY);
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.starts_with("could not find out: "), "{detail}");
    let ledger: String = service.database.value(LEDGER).await;
    assert!(ledger.starts_with("2 rows as eventflow_"), "{ledger}");

    // The next flush neither forgets that range nor closes another one, and is not kept out by a lease.
    service.event().await;
    service.settled().await;
    service.flush().await.problem(StatusCode::BAD_GATEWAY);
    assert_eq!(service.database.value::<String>(LEDGER).await, ledger);
    assert_eq!(service.database.value::<i64>("SELECT count(*) FROM leases WHERE name = 'loads'").await, 0);
    assert_eq!(service.database.store.unloaded().await.unwrap().rows, 3);
}

#[tokio::test]
async fn while_another_is_at_work_it_does_nothing_and_says_what_is_left() {
    let service = Service::start().await;
    service.event().await;
    service.settled().await;
    service.flush().await.problem(StatusCode::BAD_GATEWAY);
    service.database.sql("UPDATE events SET created_at = created_at - interval '5 seconds'").await;
    let another = FlusherLease { holder: uuid::Uuid::nil(), lasts: Duration::from_mins(1) };
    assert!(service.database.store.hold_flusher_lease(another).await.unwrap());
    let answer = service.flush().await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    insta::assert_json_snapshot!(answer.json(), {
        ".longestWait" => insta::dynamic_redaction(seconds),
        ".oldestUnloaded" => insta::dynamic_redaction(time),
    }, @r#"
    {
      "busy": true,
      "bytes": 0,
      "heldBackBy": [],
      "jobsLeftToday": 1500,
      "loads": [],
      "longestWait": "[seconds]",
      "oldestUnloaded": "[time]",
      "rejected": 0,
      "rounded": 0,
      "rows": 0,
      "unloadedRows": 1,
      "waiting": null
    }
    "#);
}

/// Checks a time in a snapshot and hides it. The types of the arguments are those that insta passes.
#[allow(clippy::needless_pass_by_value)]
fn time(value: Content, path: ContentPath<'_>) -> Content {
    let text = value.as_str().unwrap();
    let is_time = text.len() == "2026-01-31T12:00:00.000Z".len()
        && text.ends_with('Z')
        && chrono::DateTime::parse_from_rfc3339(text).is_ok();
    assert!(is_time, "{path}: {text}");
    "[time]".into()
}

#[allow(clippy::needless_pass_by_value)]
fn seconds(value: Content, path: ContentPath<'_>) -> Content {
    let seconds = value.as_i64().unwrap();
    assert!((1..60).contains(&seconds), "{path}: {seconds}");
    "[seconds]".into()
}

#[tokio::test]
async fn without_a_database_it_is_told_so() {
    let service = Service::without_database().await;
    let problem = service.flush().await.problem(StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(problem["detail"], "the database is not available");
}

#[tokio::test]
async fn a_ledger_of_another_cluster_stops_it() {
    let service = Service::start().await;
    service.event().await;
    service.database.sql("UPDATE cursors SET system_identifier = 1").await;
    let problem = service.flush().await.problem(StatusCode::CONFLICT);
    assert!(problem["detail"].as_str().unwrap().contains("another PostgreSQL cluster"), "{problem}");
    assert_eq!(service.database.value::<i64>("SELECT count(*) FROM loads").await, 0);
}
