use axum::http::{Method, StatusCode};
use door::ApiKey;
use serde_json::{Value, json};

use crate::harness::Service;
use crate::told;

const FAR: &str = "2999-01-31T12:00:00.000Z";

fn path(key: &Value) -> String {
    format!("/admin/keys/{}", key["id"].as_str().unwrap())
}

async fn active(service: &Service) -> Vec<String> {
    let mut ids: Vec<_> =
        service.database.store.active_keys().await.unwrap().into_iter().map(|key| key.id).collect();
    ids.sort();
    ids
}

#[tokio::test]
async fn a_key_is_shown_once_and_opens_what_it_says() {
    let service = Service::start().await;
    let wanted =
        json!({"name": "shop", "eventTypes": ["user.", "order.paid"], "expiresAt": FAR, "rateLimit": 50});
    let made = service.key(&wanted).await;
    insta::assert_json_snapshot!(made, {
        ".id" => "[id]", ".key" => "[key]", ".createdAt" => insta::dynamic_redaction(told::time),
    }, @r#"
    {
      "createdAt": "[time]",
      "createdBy": "anonymous",
      "eventTypes": [
        "user.",
        "order.paid"
      ],
      "expiresAt": "2999-01-31T12:00:00.000Z",
      "id": "[id]",
      "key": "[key]",
      "lastUsedAt": null,
      "name": "shop",
      "rateLimit": 50,
      "revokedAt": null,
      "rotatedTo": null
    }
    "#);
    let key = ApiKey::parse(made["key"].as_str().unwrap()).unwrap();
    assert_eq!(key.id(), made["id"]);
    let active = service.database.store.active_keys().await.unwrap();
    assert!(key.has_hash(&active[0].hash));
    assert_eq!(active[0].event_types.as_deref(), Some(&["user.".to_owned(), "order.paid".to_owned()][..]));

    let mut record = made.clone();
    record.as_object_mut().unwrap().remove("key");
    assert_eq!(service.found(&path(&made)).await, record);
    let list = service.found("/admin/keys?limit=1").await;
    assert_eq!(list["keys"], json!([record]));
    assert_eq!(list["pagination"], json!({"page": 1, "limit": 1, "total": 1, "totalPages": 1}));
}

#[tokio::test]
async fn nothing_of_a_secret_stays_in_the_database() {
    let service = Service::start().await;
    let made = service.key(&json!({"name": "shop"})).await;
    let text = made["key"].as_str().unwrap();
    let secret = &text[text.rfind('_').unwrap() + 1..];
    let kept = "SELECT concat((SELECT string_agg(k::text, ' ') FROM api_keys k), (SELECT string_agg(a::text, ' ') FROM audit_log a))";
    let kept: String = service.database.value(kept).await;
    assert!(kept.contains("shop") && !kept.contains(&secret[..22]), "{kept}");
}

#[tokio::test]
async fn a_wrong_wish_is_told_with_its_field_and_makes_no_key() {
    let service = Service::start().await;
    let long = "é".repeat(101);
    let many = vec!["a"; 101];
    for (wanted, field) in [
        (json!({"name": ""}), "name"),
        (json!({"name": long}), "name"),
        (json!({"name": "a\u{0}"}), "name"),
        (json!({"name": "a", "eventTypes": []}), "eventTypes"),
        (json!({"name": "a", "eventTypes": many}), "eventTypes"),
        (json!({"name": "a", "eventTypes": ["b", ""]}), "eventTypes/1"),
        (json!({"name": "a", "eventTypes": [long]}), "eventTypes/0"),
        (json!({"name": "a", "expiresAt": "tomorrow"}), "expiresAt"),
        (json!({"name": "a", "expiresAt": "2020-01-01T00:00:00Z"}), "expiresAt"),
        (json!({"name": "a", "rateLimit": 0}), "rateLimit"),
        (json!({"name": "a", "rateLimit": 1_000_001}), "rateLimit"),
    ] {
        let problem = service.post("/admin/keys", &wanted.to_string()).await.problem(StatusCode::BAD_REQUEST);
        assert_eq!(problem["field"], format!("/{field}"), "{problem}");
    }
    for body in
        ["", "{}", "[]", r#"{"name":1}"#, r#"{"name":"a","scope":"all"}"#, r#"{"name":"a","rateLimit":1.5}"#]
    {
        service.post("/admin/keys", body).await.problem(StatusCode::BAD_REQUEST);
    }
    assert!(active(&service).await.is_empty() && service.acts().await.is_empty());
}

#[tokio::test]
async fn a_change_touches_what_it_names() {
    let service = Service::start().await;
    let made = service.key(&json!({"name": "shop", "eventTypes": ["a"], "rateLimit": 5})).await;
    let patch = async |body: &str| service.send(Method::PATCH, &path(&made), body).await;
    let answer = patch(r#"{"rateLimit":null,"expiresAt":"2999-01-31T12:00:00Z"}"#).await;
    let changed = answer.json();
    assert_eq!(
        (&changed["name"], &changed["eventTypes"], &changed["rateLimit"], &changed["expiresAt"]),
        (&json!("shop"), &json!(["a"]), &Value::Null, &json!(FAR))
    );
    assert_eq!(changed.get("key"), None);
    assert_eq!(patch(r#"{"name":"store","eventTypes":null}"#).await.json()["eventTypes"], Value::Null);
    for body in [
        "{}",
        r#"{"name":null}"#,
        r#"{"id":"x"}"#,
        r#"{"rateLimit":0}"#,
        r#"{"expiresAt":"2020-01-01T00:00:00Z"}"#,
    ] {
        patch(body).await.problem(StatusCode::BAD_REQUEST);
    }
    assert_eq!(service.found(&path(&made)).await["name"], "store");
    assert_eq!(service.acts().await.len(), 3, "what was refused is not on record");
}

#[tokio::test]
async fn a_rotated_key_lives_on_for_the_overlap() {
    let service = Service::start().await;
    let first = service.key(&json!({"name": "shop", "rateLimit": 5})).await;
    let rotate = async |key: &Value, body| service.post(&format!("{}/rotate", path(key)), body).await;
    let answer = rotate(&first, r#"{"overlapSeconds":60}"#).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    let second = answer.json();
    assert!(second["id"] != first["id"] && second["key"] != first["key"]);
    assert_eq!((&second["name"], &second["rateLimit"]), (&json!("shop"), &json!(5)));
    let former = service.found(&path(&first)).await;
    assert_eq!(second["rotatedFrom"], json!({"id": first["id"], "expiresAt": former["expiresAt"]}));
    assert_eq!(former["rotatedTo"], second["id"]);
    assert_eq!(active(&service).await.len(), 2);

    let problem = rotate(&first, "{}").await.problem(StatusCode::CONFLICT);
    assert_eq!(problem["rotatedTo"], second["id"]);
    for body in [r#"{"overlapSeconds":604801}"#, r#"{"overlapSeconds":-1}"#, r#"{"overlap":1}"#] {
        rotate(&second, body).await.problem(StatusCode::BAD_REQUEST);
    }
    rotate(&second, r#"{"overlapSeconds":0}"#).await;
    let problem = rotate(&second, "{}").await.problem(StatusCode::CONFLICT);
    assert_eq!(
        problem["detail"],
        format!("the key {} is revoked or expired", second["id"].as_str().unwrap())
    );
    assert_eq!(active(&service).await.len(), 2, "the first and the third");
}

#[tokio::test]
async fn without_a_body_the_overlap_is_a_day() {
    let service = Service::start().await;
    let made = service.key(&json!({"name": "shop"})).await;
    let request = axum::http::Request::post(format!("{}/rotate", path(&made)));
    let answer = service.call(request.body(axum::body::Body::empty()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    let day = "SELECT expires_at - now() BETWEEN interval '23 hours' AND interval '24 hours' FROM api_keys
                WHERE rotated_to IS NOT NULL";
    assert!(service.database.value::<bool>(day).await);
}

#[tokio::test]
async fn a_revoked_key_opens_nothing_and_stays_on_record() {
    let service = Service::start().await;
    let made = service.key(&json!({"name": "shop"})).await;
    for _ in 0..2 {
        let answer = service.send(Method::DELETE, &path(&made), "").await;
        assert_eq!((answer.status, answer.body.len()), (StatusCode::NO_CONTENT, 0));
    }
    assert!(active(&service).await.is_empty());
    assert!(service.found(&path(&made)).await["revokedAt"].is_string());
    service.send(Method::PATCH, &path(&made), r#"{"name":"b"}"#).await.problem(StatusCode::CONFLICT);
    service.post(&format!("{}/rotate", path(&made)), "{}").await.problem(StatusCode::CONFLICT);
    let actions: Vec<_> = service.acts().await.into_iter().map(|(action, _)| action).collect();
    assert_eq!(actions, ["key.revoke", "key.create"]);
}

#[tokio::test]
async fn a_key_that_is_not_there_is_told() {
    let service = Service::start().await;
    for id in ["0123456789ab", "a%00b", "x-y", "%20"] {
        let path = format!("/admin/keys/{id}");
        service.get(&path).await.problem(StatusCode::NOT_FOUND);
        service.send(Method::PATCH, &path, r#"{"name":"b"}"#).await.problem(StatusCode::NOT_FOUND);
        service.send(Method::DELETE, &path, "").await.problem(StatusCode::NOT_FOUND);
        service.post(&format!("{path}/rotate"), "{}").await.problem(StatusCode::NOT_FOUND);
    }
}
