use std::net::SocketAddr;

use admin::Roles;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use door::Door;
use gcp::testing::{Issuer, claims};
use serde_json::{Value, json};
use service::Peer;

use crate::harness::Service;
use crate::told;

#[tokio::test]
async fn a_change_is_on_record_with_who_and_from_where() {
    let issuer = Issuer::start().await;
    let service = Service::behind(Door::any_google(issuer.identity("here")), Roles::default()).await;
    let token = issuer.token(&claims("olga@example.com", "here"));
    let mut request = Request::post("/admin/keys")
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {token}"))
        .header("x-request-id", "r-1")
        .header("x-forwarded-for", "203.0.113.9, 198.51.100.4")
        .body(Body::from(r#"{"name":"shop"}"#))
        .unwrap();
    let address = SocketAddr::from(([10, 0, 0, 1], 1));
    request.extensions_mut().insert(Peer { address, hops: 1 });
    let made = service.call(request).await.json();
    assert_eq!(made["createdBy"], "olga@example.com");
    let request = Request::get("/admin/audit").header("authorization", format!("Bearer {token}"));
    let mut page = service.call(request.body(Body::empty()).unwrap()).await.json();
    assert_eq!(page["entries"][0]["target"].take(), made["id"]);
    insta::assert_json_snapshot!(page, { ".entries[].at" => insta::dynamic_redaction(told::time) }, @r#"
    {
      "entries": [
        {
          "action": "key.create",
          "actor": "olga@example.com",
          "address": "198.51.100.4",
          "at": "[time]",
          "detail": {
            "eventTypes": null,
            "expiresAt": null,
            "name": "shop",
            "rateLimit": null
          },
          "id": 1,
          "requestId": "r-1",
          "role": "owner",
          "target": null
        }
      ],
      "nextCursor": null
    }
    "#);
}

#[tokio::test]
async fn a_replay_is_on_record_once_and_one_that_was_refused_is_not() {
    let service = Service::start().await;
    let (dead, failed) = (service.event_in("DEAD_LETTER").await, service.event_in("FAILED").await);
    let pending = service.event_in("PENDING").await;
    for id in [dead, dead, failed, pending] {
        service.replay(id).await;
    }
    let page = service.found("/admin/audit").await;
    let told: Vec<_> = page["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            json!([entry["actor"], entry["role"], entry["action"], entry["target"], entry["detail"]])
        })
        .collect();
    let replay = |id: event::EventId, from: &str| json!(["anonymous", "owner", "event.replay", id, {"attempt": 1, "fromStatus": from}]);
    assert_eq!(told, [replay(failed, "FAILED"), replay(dead, "DEAD_LETTER")]);
}

#[tokio::test]
async fn a_retry_of_rejects_is_on_record_where_it_asked_for_something() {
    let service = Service::start().await;
    let id = service.event("a", "{}").await;
    let keep = "INSERT INTO load_rejects (id, event_type, payload, status, retry_count, created_at, updated_at, reason, job_id, load_id)
                SELECT id, event_type, payload, status, retry_count, created_at, updated_at, 'deep', 'j', 1 FROM event_records";
    service.database.sql(keep).await;
    for _ in 0..2 {
        assert_eq!(service.post("/admin/rejects/retry", r#"{"all":true}"#).await.status, StatusCode::OK);
    }
    let page = service.found("/admin/audit").await;
    let entries = page["entries"].as_array().unwrap();
    assert_eq!((entries.len(), &entries[0]["action"]), (1, &json!("rejects.retry")));
    assert_eq!(entries[0]["detail"], json!({"requested": 1, "ids": Value::Null}));
    service.database.sql("UPDATE load_rejects SET requested_at = NULL").await;
    service.post("/admin/rejects/retry", &json!({"ids": [id]}).to_string()).await;
    let page = service.found("/admin/audit").await;
    assert_eq!(page["entries"][0]["detail"], json!({"requested": 1, "ids": [id]}));
}

#[tokio::test]
async fn the_record_is_read_backwards_a_page_at_a_time() {
    let service = Service::start().await;
    for name in ["a", "b", "c"] {
        service.key(&json!({ "name": name })).await;
    }
    let names = |page: &Value| -> Vec<String> {
        let entries = page["entries"].as_array().unwrap().iter();
        entries.map(|entry| entry["detail"]["name"].as_str().unwrap().to_owned()).collect()
    };
    let first = service.found("/admin/audit?limit=2").await;
    assert_eq!(names(&first), ["c", "b"]);
    let next = first["nextCursor"].as_str().unwrap();
    let last = service.found(&format!("/admin/audit?limit=2&cursor={next}")).await;
    assert_eq!((names(&last), &last["nextCursor"]), (vec!["a".to_owned()], &Value::Null));
    for search in ["cursor=x", "cursor=99999999999999999999", "limit=0", "page=1"] {
        service.get(&format!("/admin/audit?{search}")).await.problem(StatusCode::BAD_REQUEST);
    }
}
