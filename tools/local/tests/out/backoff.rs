//! An error or a delay of BigQuery delays a load, but never doubles it.

use axum::http::StatusCode;
use serde_json::json;
use sqlx::{Connection, PgConnection};

use crate::harness::{Flusher, Out, settings, settled};

const OPEN: &str = "SELECT count(*) FROM loads WHERE loaded_at IS NULL";
const JOBS: &str = "SELECT count(*) FROM load_jobs";

#[tokio::test]
async fn a_failure_of_its_own_is_waited_out_and_others_go_on() {
    let out = Out::start().await;
    out.warehouse.faults(json!({"failJobs": {"reason": "backendError", "count": 1}})).await;
    let mut ids = out.events(&["first"]).await;
    settled(&out.database).await;
    let done = out.flusher.flushed().await;
    assert_eq!(done["waiting"]["reason"], "Backend", "{done}");
    assert!(done["waiting"]["until"].is_string() && done["unloadedRows"] == 1, "{done}");

    ids.extend(out.events(&["second"]).await);
    settled(&out.database).await;
    let done = out.flusher.flushed().await;
    assert_eq!((&done["rows"], &done["waiting"]["reason"]), (&json!(1), &json!("Backend")), "{done}");
    assert_eq!(out.number(JOBS).await, 2, "no job for the one that waits");

    out.waits_are_over().await;
    out.drain().await;
    assert_eq!(out.number(JOBS).await, 3);
    out.holds(&ids).await;
}

#[tokio::test]
async fn waits_grow_up_to_a_bound() {
    let out = Out::start().await;
    out.warehouse.faults(json!({"failJobs": {"reason": "rateLimitExceeded", "count": 6}})).await;
    out.events(&["slow"]).await;
    settled(&out.database).await;
    let mut waits = Vec::new();
    for _ in 0..6 {
        out.flusher.flushed().await;
        let wait = "SELECT round(extract(epoch FROM retry_at - clock_timestamp()) / 60)::bigint FROM loads";
        waits.push(out.number(wait).await);
        out.waits_are_over().await;
    }
    assert_eq!(waits, [1, 2, 4, 8, 10, 10]);
    out.drain().await;
}

#[tokio::test]
async fn a_missing_right_is_told_and_makes_no_job_until_its_time() {
    let out = Out::start().await;
    out.warehouse.faults(json!({"failJobs": {"reason": "accessDenied", "count": 1}})).await;
    let ids = out.events(&["locked"]).await;
    settled(&out.database).await;
    let detail = out.flusher.refused(StatusCode::BAD_GATEWAY).await;
    assert!(detail.contains("Access"), "{detail}");
    let done = out.flusher.flushed().await;
    assert_eq!((&done["waiting"]["reason"], &done["rows"]), (&json!("Access"), &json!(0)), "{done}");
    assert_eq!(out.number(JOBS).await, 1);
    out.waits_are_over().await;
    out.drain().await;
    out.holds(&ids).await;
}

#[tokio::test]
async fn a_job_whose_answer_was_lost_is_found() {
    let out = Out::start().await;
    out.warehouse.faults(json!({"loseResponses": 1})).await;
    let ids = out.events(&["unheard"]).await;
    out.drain().await;
    out.holds(&ids).await;
    assert_eq!(out.number(JOBS).await, 1);
}

#[tokio::test]
async fn while_bigquery_is_away_nothing_moves_and_then_it_goes_on() {
    let mut out = Out::start().await;
    let mut ids = out.events(&["before"]).await;
    out.drain().await;
    out.warehouse.kill();
    ids.extend(out.events(&["while"]).await);
    settled(&out.database).await;
    for _ in 0..2 {
        let detail = out.flusher.refused(StatusCode::BAD_GATEWAY).await;
        assert!(detail.starts_with("could not find out"), "{detail}");
    }
    assert_eq!((out.number(OPEN).await, out.number(JOBS).await), (1, 1));
    out.warehouse.restart().await;
    out.drain().await;
    out.holds(&ids).await;
}

#[tokio::test]
async fn of_two_flushers_one_works() {
    let out = Out::start().await;
    out.warehouse.faults(json!({"jobRunningMs": 500})).await;
    let ids = out.events(&["a", "b", "c"]).await;
    settled(&out.database).await;
    let other = Flusher::start(&out.database.store, &out.warehouse, settings()).await;
    let (one, two) = tokio::join!(out.flusher.flushed(), other.flushed());
    let busy = [&one, &two].map(|done| done["busy"].as_bool().unwrap());
    assert!(busy.contains(&true) && busy.contains(&false), "{one} {two}");
    out.drain().await;
    out.holds(&ids).await;
}

#[tokio::test]
async fn who_holds_a_flush_back_is_named() {
    let out = Out::start().await;
    // The transaction is in another database of the same server.
    let url = std::env::var("DATABASE_URL").unwrap();
    let mut holder = PgConnection::connect(&url).await.unwrap();
    sqlx::raw_sql("SET application_name = 'a long report'; BEGIN; SELECT pg_current_xact_id()")
        .execute(&mut holder)
        .await
        .unwrap();
    let ids = out.events(&["held back"]).await;
    let done = out.flusher.flushed().await;
    assert_eq!((&done["rows"], &done["unloadedRows"]), (&json!(0), &json!(1)), "{done}");
    let named = done["heldBackBy"].as_array().unwrap();
    let holders: Vec<_> = named.iter().filter(|who| who["applicationName"] == "a long report").collect();
    assert_eq!(holders.len(), 1, "{done}");
    assert_eq!(
        (&holders[0]["state"], &holders[0]["user"]),
        (&json!("idle in transaction"), &json!("postgres"))
    );
    assert!(holders[0]["pid"].is_number() && holders[0]["since"].is_string(), "{done}");
    sqlx::raw_sql("ROLLBACK").execute(&mut holder).await.unwrap();
    out.drain().await;
    out.holds(&ids).await;
}
