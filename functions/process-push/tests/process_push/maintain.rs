use axum::http::StatusCode;
use serde_json::{Value, json};
use store::IdempotencyKey;

use crate::harness::{PUSHER, SCHEDULER, Service};

async fn maintain(service: &Service) -> Value {
    let answer = service.call_as(SCHEDULER, "/maintain", "").await;
    assert_eq!(answer.status, StatusCode::OK);
    answer.json()
}

#[tokio::test]
async fn where_all_is_well_there_is_nothing_to_do() {
    let service = Service::start().await;
    insta::assert_json_snapshot!(maintain(&service).await, @r#"
    {
      "countsRepaired": 0,
      "keysCleared": 0,
      "partitionsDropped": [],
      "partitionsMade": [],
      "stragglersMoved": 0,
      "unreadable": {
        "count": 0,
        "newest": []
      }
    }
    "#);
}

#[tokio::test]
async fn a_partition_that_is_missing_is_made() {
    let service = Service::start().await;
    let last = "SELECT max(inhrelid::regclass::text) FROM pg_inherits WHERE inhparent = 'attempts'::regclass";
    let name: String = service.database.value(last).await;
    service.database.sql(&format!("DROP TABLE {name}")).await;
    assert_eq!(maintain(&service).await["partitionsMade"], json!([name]));
    assert_eq!(service.database.value::<String>(last).await, name);
}

#[tokio::test]
async fn a_week_that_is_over_for_long_is_dropped() {
    let service = Service::start().await;
    let make = "CREATE TABLE events_20250106 PARTITION OF events
                FOR VALUES FROM ('019438e9-4800-0000-0000-000000000000') TO ('01945cf5-cc00-0000-0000-000000000000')";
    service.database.sql(make).await;
    assert_eq!(maintain(&service).await["partitionsDropped"], json!(["events_20250106"]));
}

#[tokio::test]
async fn keys_that_expired_an_hour_ago_are_cleared() {
    let service = Service::start().await;
    for key in ["first", "second"] {
        let hour = std::time::Duration::from_hours(1);
        service.event_with(IdempotencyKey::new(key, b"", hour)).await;
        service
            .database
            .sql("UPDATE idempotency_keys SET expires_at = expires_at - interval '61 minutes'")
            .await;
    }
    // The first key expired more than an hour ago. The second one expired a minute ago, and an insert may still look it
    // up.
    assert_eq!(maintain(&service).await["keysCleared"], 1);
    assert_eq!(service.count("SELECT count(*) FROM idempotency_keys").await, 1);
}

#[tokio::test]
async fn a_wrong_total_is_put_right_and_told() {
    let service = Service::start().await;
    service.event("a", "{}").await;
    service.database.sql("INSERT INTO event_totals VALUES ('a', 7)").await;
    assert_eq!(maintain(&service).await["countsRepaired"], 1);
    assert_eq!(service.database.store.metrics().await.unwrap().total, 1);
}

#[tokio::test]
async fn unreadable_messages_are_listed_and_old_ones_go() {
    let service = Service::start().await;
    for _ in 0..7 {
        service.call_as(PUSHER, "/push", "no push").await;
    }
    service.database.sql("UPDATE unreadable SET received_at = now() - interval '91 days' WHERE id = 7").await;
    let unreadable = maintain(&service).await["unreadable"].take();
    assert_eq!((&unreadable["count"], unreadable["newest"].as_array().unwrap().len()), (&json!(6), 5));
    insta::assert_json_snapshot!(unreadable["newest"][0], { ".receivedAt" => "[time]" }, @r#"
    {
      "messageId": null,
      "reason": "not a Pub/Sub push: the body must be a JSON object: expected ident (byte 1)",
      "receivedAt": "[time]",
      "subscription": null
    }
    "#);
}
