use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};
use service::testing::Answer;

use crate::harness::Service;

async fn retry(service: &Service, body: &str) -> Answer {
    let request = Request::post("/admin/rejects/retry").header("content-type", "application/json");
    service.call(request.body(Body::from(body.to_owned())).unwrap()).await
}

async fn reject(service: &Service, payload: &str) -> String {
    let id = service.event("a", payload).await.to_string();
    let keep = format!(
        "INSERT INTO load_rejects (id, event_type, payload, metadata, status, retry_count, created_at, updated_at, reason, job_id,
                                   load_id)
         SELECT id, event_type, payload, metadata, status, retry_count, created_at, updated_at, 'too deep', 'eventflow_1', 1
           FROM event_records WHERE id = '{id}'"
    );
    service.database.sql(&keep).await;
    id
}

#[tokio::test]
async fn rejects_are_shown_with_their_payload_and_the_reason() {
    let service = Service::start().await;
    let first = reject(&service, r#"{"n":1.50}"#).await;
    let second = reject(&service, r#"{"n":2}"#).await;
    let page = service.found("/admin/rejects?limit=1").await;
    assert_eq!(page["pagination"], json!({"page": 1, "limit": 1, "total": 2, "totalPages": 2}));
    assert_eq!(
        (&page["rejects"][0]["id"], &page["rejects"][0]["reason"]),
        (&json!(second), &json!("too deep"))
    );
    let answer = service.get("/admin/rejects?page=2&limit=1").await;
    assert!(String::from_utf8_lossy(&answer.body).contains(r#""payload":{"n":1.50}"#), "{answer:?}");
    let shown = &answer.json()["rejects"][0];
    assert_eq!(
        (&shown["id"], &shown["reloadedAt"], &shown["requestedAt"]),
        (&json!(first), &Value::Null, &Value::Null)
    );
    service.get("/admin/rejects?limit=0").await.problem(StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn some_or_all_can_be_asked_for_again() {
    let service = Service::start().await;
    let first = reject(&service, "{}").await;
    reject(&service, "{}").await;
    let requested = async |body: &str| {
        let answer = retry(&service, body).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        answer.json()["requested"].as_i64().unwrap()
    };
    let ids = json!({"ids": [first]}).to_string();
    assert_eq!(requested(&ids).await, 1);
    assert_eq!(requested(&ids).await, 0, "asked for before");
    assert_eq!(requested(r#"{"all":true}"#).await, 1);
    let page = service.found("/admin/rejects").await;
    assert!(page["rejects"].as_array().unwrap().iter().all(|one| one["requestedAt"].is_string()), "{page}");
    for body in ["", "{}", r#"{"all":false}"#, r#"{"ids":["x"]}"#, r#"{"all":true,"ids":[]}"#] {
        retry(&service, body).await.problem(StatusCode::BAD_REQUEST);
    }
}
