use axum::http::StatusCode;
use serde_json::json;

use crate::harness::{SCHEDULER, Service};

#[tokio::test]
async fn a_partition_that_is_missing_is_made() {
    let service = Service::start().await;
    let nothing = service.call_as(SCHEDULER, "/maintain", "").await;
    assert_eq!(nothing.status, StatusCode::OK);
    assert_eq!(nothing.json(), json!({ "partitionsMade": [] }));

    let last = "SELECT max(inhrelid::regclass::text) FROM pg_inherits WHERE inhparent = 'attempts'::regclass";
    let name: String = service.database.value(last).await;
    service.database.sql(&format!("DROP TABLE {name}")).await;
    let made = service.call_as(SCHEDULER, "/maintain", "").await;
    assert_eq!(made.json(), json!({ "partitionsMade": [name] }));
    assert_eq!(service.database.value::<String>(last).await, name);
}
