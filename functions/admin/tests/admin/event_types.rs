use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use service::testing::Answer;

use crate::harness::Service;
use crate::told;

const PATH: &str = "/admin/event-types/user.signup";

async fn put(service: &Service, path: &str, body: &Value) -> Answer {
    service.send(Method::PUT, path, &body.to_string()).await
}

fn signup(schema: &Value, mode: &str) -> Value {
    json!({"schema": schema, "mode": mode})
}

#[tokio::test]
async fn a_schema_is_kept_and_what_changed_is_told() {
    let service = Service::start().await;
    let first = json!({"required": ["email"], "properties": {"email": {"type": "string", "maxLength": 50}}});
    let made = put(&service, PATH, &signup(&first, "warn")).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    assert_eq!(
        made.json(),
        json!({"eventType": "user.signup", "version": 1, "mode": "warn", "schema": first, "changes": []})
    );
    let again = put(&service, PATH, &signup(&first, "warn")).await;
    assert_eq!((again.status, &again.json()["version"]), (StatusCode::OK, &json!(1)));

    let second =
        json!({"required": ["email", "plan"], "properties": {"email": {"type": "string", "maxLength": 99}}});
    let changed = put(&service, PATH, &signup(&second, "enforce")).await;
    assert_eq!(changed.status, StatusCode::CREATED);
    assert_eq!(changed.json()["version"], 2);
    assert_eq!(
        changed.json()["changes"],
        json!([
            {"pointer": "/properties/email/maxLength", "what": "from 50 to 99", "effect": "looser"},
            {"pointer": "/required", "what": "required added: \"plan\"", "effect": "stricter"},
        ])
    );
    insta::assert_json_snapshot!(service.found(PATH).await, {
        ".createdAt" => insta::dynamic_redaction(told::time), ".updatedAt" => insta::dynamic_redaction(told::time),
        ".versions[].createdAt" => insta::dynamic_redaction(told::time),
    });
    let list = service.found("/admin/event-types?limit=1").await;
    assert_eq!((&list["eventTypes"][0]["version"], &list["pagination"]["total"]), (&json!(2), &json!(1)));
    let acts = service.acts().await;
    assert_eq!(acts, [(); 2].map(|()| ("event-type.put".to_owned(), Some("user.signup".to_owned()))));
}

#[tokio::test]
async fn a_schema_is_shown_as_it_was_sent() {
    let service = Service::start().await;
    let body = r#"{"mode":"off","schema": {"z":1, "multipleOf": 0.10,"maximum":12345678901234567890123}}"#;
    let answer = service.send(Method::PUT, "/admin/event-types/a%2Fb%20%C3%A9", body).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    let answer = service.get("/admin/event-types/a%2Fb%20%C3%A9").await;
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    assert!(
        text.contains(r#""schema":{"z":1, "multipleOf": 0.10,"maximum":12345678901234567890123}"#),
        "{text}"
    );
    assert!(text.contains(r#""eventType":"a/b é""#), "{text}");
}

#[tokio::test]
async fn what_is_no_schema_is_told_where_and_makes_no_version() {
    let service = Service::start().await;
    for (schema, pointer) in [
        (json!({"properties": {"a": {"type": "strin"}}}), "/properties/a/type"),
        (json!({"properties": {"a": {"pattern": "(?=a)"}}}), "/properties/a/pattern"),
        (json!({"$ref": "https://example.com/a"}), "/$ref"),
        (json!([]), ""),
    ] {
        let problem = put(&service, PATH, &signup(&schema, "off")).await.problem(StatusCode::BAD_REQUEST);
        assert_eq!(
            (&problem["field"], &problem["pointer"]),
            (&json!("/schema"), &json!(pointer)),
            "{problem}"
        );
    }
    for body in [
        json!({"schema": {}}),
        json!({"mode": "off"}),
        json!({"schema": {}, "mode": "on"}),
        json!({"schema": {}, "mode": "off", "version": 1}),
        json!({"schema": "\u{0}", "mode": "off"}),
    ] {
        put(&service, PATH, &body).await.problem(StatusCode::BAD_REQUEST);
    }
    let long = format!("/admin/event-types/{}", "a".repeat(101));
    put(&service, &long, &signup(&json!({}), "off")).await.problem(StatusCode::BAD_REQUEST);
    put(&service, "/admin/event-types/%00", &signup(&json!({}), "off"))
        .await
        .problem(StatusCode::BAD_REQUEST);
    let large = signup(&json!({"description": "x".repeat(300_000)}), "off");
    put(&service, PATH, &large).await.problem(StatusCode::PAYLOAD_TOO_LARGE);
    service.get(PATH).await.problem(StatusCode::NOT_FOUND);
    assert!(service.acts().await.is_empty());
}

#[tokio::test]
async fn a_trial_tells_what_would_be_refused_and_changes_nothing() {
    let service = Service::start().await;
    let mut refused = Vec::new();
    for at in 0..50 {
        let id = service.event("user.signup", &json!({"n": at, "secret": "s3cr3t"}).to_string()).await;
        if at >= 38 {
            refused.push(id.to_string());
        }
    }
    service.event("another", r#"{"n":99}"#).await;
    let body = signup(&json!({"properties": {"n": {"maximum": 37}, "secret": {"maxLength": 6}}}), "enforce");
    let trial = put(&service, &format!("{PATH}?trial=1000"), &body).await;
    assert_eq!(trial.status, StatusCode::OK, "{trial:?}");
    let told = trial.json();
    assert_eq!((&told["checked"], &told["refused"]), (&json!(50), &json!(12)));
    let examples = told["examples"].as_array().unwrap();
    let ids: Vec<_> = examples.iter().map(|example| example["id"].as_str().unwrap()).collect();
    // Events of one millisecond have no order except that of their ids.
    refused.sort_by(|one, other| other.cmp(one));
    assert_eq!(ids, refused[..10], "the newest");
    assert_eq!(
        examples[0]["violations"],
        json!([{"pointer": "/n", "rule": "maximum", "message": "must be at most 37"}])
    );
    let few = put(&service, &format!("{PATH}?trial=25"), &body).await.json();
    assert_eq!((&few["checked"], &few["refused"]), (&json!(25), &json!(12)), "the newest events alone");
    service.get(PATH).await.problem(StatusCode::NOT_FOUND);
    assert!(service.acts().await.is_empty());
    for wrong in ["0", "10001", "x", ""] {
        let path = format!("{PATH}?trial={wrong}");
        let problem = put(&service, &path, &body).await.problem(StatusCode::BAD_REQUEST);
        assert_eq!(problem["field"], "trial");
    }
}

#[tokio::test]
async fn what_was_removed_is_gone_and_comes_back_as_the_next_version() {
    let service = Service::start().await;
    let remove = async || service.send(Method::DELETE, PATH, "").await;
    remove().await.problem(StatusCode::NOT_FOUND);
    put(&service, PATH, &signup(&json!({"minProperties": 1}), "enforce")).await;
    assert_eq!(remove().await.status, StatusCode::NO_CONTENT);
    remove().await.problem(StatusCode::NOT_FOUND);
    service.get(PATH).await.problem(StatusCode::NOT_FOUND);
    let back = put(&service, PATH, &signup(&json!({"minProperties": 2}), "enforce")).await.json();
    assert_eq!((&back["version"], &back["changes"][0]["effect"]), (&json!(2), &json!("stricter")));
    let actions: Vec<_> = service.acts().await.into_iter().map(|(action, _)| action).collect();
    assert_eq!(actions, ["event-type.put", "event-type.remove", "event-type.put"]);
}
