//! Any input that an operation does not accept gets a 400 that names the place and the allowed values. The operations
//! are read from the document, so that none is forgotten.

use std::fmt::Write;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use service::testing::Answer;

use crate::harness::Service;

impl Service {
    async fn put_bytes(&self, method: &Method, path: &str, body: Vec<u8>) -> Answer {
        let request =
            Request::builder().method(method.clone()).uri(path).header("content-type", "application/json");
        self.call(request.body(Body::from(body)).unwrap()).await
    }

    /// Returns the method, the path and the description of each operation, for an existing key and an existing event.
    async fn operations(&self) -> Vec<(Method, String, Value)> {
        let key = self.key(&json!({"name": "shop"})).await["id"].as_str().unwrap().to_owned();
        let event = self.event("a", "{}").await.to_string();
        let contract = self.contract().await;
        let operations = contract.operations().into_iter().map(|operation| {
            let (method, path) = operation.split_once(' ').unwrap();
            let told = contract.document["paths"][path][method.to_lowercase()].clone();
            let id = if path.starts_with("/admin/keys") { &key } else { &event };
            let path = path.replace("{id}", id).replace("{type}", "order.paid");
            (Method::from_bytes(method.as_bytes()).unwrap(), path, told)
        });
        operations.collect()
    }
}

/// The problem must name a place in the input: a member, a parameter, or a byte.
#[track_caller]
fn has_place(problem: &Value) {
    assert!(problem["field"].is_string() || problem["byte"].is_u64(), "{problem}");
    let detail = problem["detail"].as_str().unwrap();
    for word in ["struct", "expected", "deserialize", "i32", "u64", "EOF", "sequence", "Serde"] {
        assert!(!detail.contains(word) || problem["byte"].is_u64(), "not our own words: {problem}");
    }
}

#[tokio::test]
async fn every_body_that_is_none_is_told_where() {
    let service = Service::start().await;
    let mut bodies = 0;
    for (method, path, told) in service.operations().await {
        let Some(content) = told["requestBody"]["content"].get("application/json") else { continue };
        let example = &content["examples"].as_object().unwrap().values().next().unwrap()["value"];
        let text = example.to_string();
        let (name, value) = example.as_object().unwrap().iter().next().unwrap();
        let with = |member: &str| {
            let mut body = text.clone();
            body.truncate(body.len() - 1);
            write!(body, ",{member}}}").unwrap();
            body.into_bytes()
        };
        let values: Vec<_> = example.as_object().unwrap().values().cloned().collect();
        let sent = [
            (Value::from(values).to_string().into_bytes(), "", Some(0)),
            (b"[]".to_vec(), "", Some(0)),
            (b" \n[{}]".to_vec(), "", Some(2)),
            (b"\"a\"".to_vec(), "", Some(0)),
            (b"1".to_vec(), "", Some(0)),
            (with(r#""nosuch":1"#), "/nosuch", None),
            (with(r#""a/b~":1"#), "/a~1b~0", None),
            (with(&format!("{}:{value}", json!(name))), name, None),
            (b"{".to_vec(), "-", Some(1)),
            (b"{\n\"a\":\n}".to_vec(), "-", Some(7)),
            (format!("{text}x").into_bytes(), "-", Some(text.len())),
            ([text.as_bytes(), b" \xff"].concat(), "-", Some(text.len() + 1)),
        ];
        for (body, field, byte) in sent {
            let shown = String::from_utf8_lossy(&body).into_owned();
            let problem = service.put_bytes(&method, &path, body).await.problem(StatusCode::BAD_REQUEST);
            has_place(&problem);
            let found = problem["field"].as_str().unwrap_or("-");
            let expected = if field == name { format!("/{name}") } else { field.to_owned() };
            assert_eq!(
                (found, &problem["byte"]),
                (expected.as_str(), &json!(byte)),
                "{path} {shown}: {problem}"
            );
        }
        // Each member is replaced by a value of another type.
        for name in example.as_object().unwrap().keys() {
            let mut wrong = example.clone();
            wrong[name] = json!(1.5);
            let answer = service.put_bytes(&method, &path, wrong.to_string().into_bytes()).await;
            let problem = answer.problem(StatusCode::BAD_REQUEST);
            has_place(&problem);
            assert_eq!(problem["field"], format!("/{name}"), "{problem}");
        }
        bodies += 1;
        let request = Request::builder().method(method).uri(&path).header("content-type", "text/plain");
        let answer = service.call(request.body(Body::from(text)).unwrap()).await;
        assert_eq!(answer.problem(StatusCode::UNSUPPORTED_MEDIA_TYPE)["field"], "Content-Type");
    }
    assert_eq!(bodies, 5);
    let acts: Vec<_> = service.acts().await.into_iter().map(|(action, _)| action).collect();
    assert_eq!(acts, ["key.create"], "what was refused has changed nothing");
}

#[tokio::test]
async fn every_query_that_is_none_is_told_by_its_parameter() {
    let service = Service::start().await;
    let mut parameters = 0;
    for (method, path, told) in service.operations().await {
        let example = told["requestBody"]["content"]["application/json"]["examples"].clone();
        let body =
            example.as_object().and_then(|all| all.values().next()).map(|one| one["value"].to_string());
        let refused = async |query: &str| {
            let body = body.clone().unwrap_or_default().into_bytes();
            let answer = service.put_bytes(&method, &format!("{path}?{query}"), body).await;
            let problem = answer.problem(StatusCode::BAD_REQUEST);
            has_place(&problem);
            (problem["field"].as_str().unwrap().to_owned(), problem["detail"].as_str().unwrap().to_owned())
        };
        let told: Vec<_> = told["parameters"].as_array().into_iter().flatten().collect();
        let names: Vec<_> = told.iter().filter(|one| one["in"] == "query").map(|one| &one["name"]).collect();
        let names: Vec<_> = names.into_iter().map(|name| name.as_str().unwrap()).collect();
        for name in &names {
            let (field, detail) = refused(&format!("{name}=1&{name}=1")).await;
            assert_eq!((field.as_str(), detail), (*name, format!("{name} is given more than once")));
            let (field, detail) = refused(&format!("{name}=%FF")).await;
            assert_eq!(
                (field.as_str(), detail),
                (*name, format!("{name} must be UTF-8, in percent-encoding"))
            );
            let (field, detail) = refused(&format!("{name}=%00")).await;
            assert_eq!(field, *name);
            assert!(detail.contains("must"), "{detail}");
            parameters += 1;
        }
        if !names.is_empty() {
            let (field, detail) = refused("nosuch=1").await;
            assert_eq!(field, "nosuch");
            assert!(names.iter().all(|name| detail.contains(name)), "{detail}");
        }
    }
    assert_eq!(parameters, 26);
}

#[tokio::test]
async fn bodies_are_told_what_is_allowed() {
    let service = Service::start().await;
    let key = service.key(&json!({"name": "shop"})).await["id"].as_str().unwrap().to_owned();
    let (one, rotate) = (format!("/admin/keys/{key}"), format!("/admin/keys/{key}/rotate"));
    let bodies = [
        (Method::POST, "/admin/keys", ""),
        (Method::POST, "/admin/keys", "{}"),
        (Method::POST, "/admin/keys", r#"{"name":null}"#),
        (Method::POST, "/admin/keys", r#"{"name":1}"#),
        (Method::POST, "/admin/keys", r#"{"name":"\ud800"}"#),
        (Method::POST, "/admin/keys", r#"{"name":"k","rateLimit":1.5}"#),
        (Method::POST, "/admin/keys", r#"{"name":"k","rateLimit":99999999999}"#),
        (Method::POST, "/admin/keys", r#"{"name":"k","rateLimit":1e400}"#),
        (Method::POST, "/admin/keys", r#"{"name":"k","eventTypes":"a"}"#),
        (Method::POST, "/admin/keys", r#"{"name":"k","eventTypes":["a",1]}"#),
        (Method::POST, "/admin/keys", r#"{"name":"k","eventTypes":["a",""]}"#),
        (Method::POST, "/admin/keys", r#"{"name":"k","expiresAt":{}}"#),
        (Method::PATCH, &one, "{}"),
        (Method::PATCH, &one, r#"{"name":null}"#),
        (Method::PATCH, &one, r#"{"rateLimit":true}"#),
        (Method::POST, &rotate, r#"{"overlapSeconds":-1}"#),
        (Method::POST, &rotate, r#"{"overlapSeconds":"1"}"#),
        (Method::POST, "/admin/rejects/retry", "{}"),
        (Method::POST, "/admin/rejects/retry", r#"{"all":false}"#),
        (Method::POST, "/admin/rejects/retry", r#"{"all":true,"ids":[]}"#),
        (Method::POST, "/admin/rejects/retry", r#"{"ids":["x"]}"#),
        (Method::PUT, "/admin/event-types/a", r#"{"schema":{}}"#),
        (Method::PUT, "/admin/event-types/a", r#"{"schema":{},"mode":"on"}"#),
        (Method::PUT, "/admin/event-types/a", r#"{"schema":{"type":"strin"},"mode":"off"}"#),
        (Method::PUT, "/admin/event-types/a", r#"{"schema":{"pattern":"a++"},"mode":"off"}"#),
    ];
    let mut all = String::new();
    for (method, path, body) in bodies {
        let problem = service.send(method, path, body).await.problem(StatusCode::BAD_REQUEST);
        let place = problem.get("field").or(problem.get("byte")).unwrap();
        writeln!(all, "{body} | {place} | {}", problem["detail"].as_str().unwrap()).unwrap();
    }
    insta::assert_snapshot!(all, @r#"
     | 0 | the body is empty; it must be a JSON object
    {} | "/name" | name is required
    {"name":null} | "/name" | name must be a string, is null
    {"name":1} | "/name" | name must be a string, is 1
    {"name":"\ud800"} | "/name" | name must not contain half of a surrogate pair
    {"name":"k","rateLimit":1.5} | "/rateLimit" | rateLimit must be a whole number, is 1.5
    {"name":"k","rateLimit":99999999999} | "/rateLimit" | rateLimit must be a whole number from 1 to 1000000 (events a second)
    {"name":"k","rateLimit":1e400} | "/rateLimit" | rateLimit must be a number that a double can hold
    {"name":"k","eventTypes":"a"} | "/eventTypes" | eventTypes must be an array, is a string
    {"name":"k","eventTypes":["a",1]} | "/eventTypes/1" | eventTypes/1 must be a string, is 1
    {"name":"k","eventTypes":["a",""]} | "/eventTypes/1" | eventTypes/1 must not be empty
    {"name":"k","expiresAt":{}} | "/expiresAt" | expiresAt must be a string, is an object
    {} | "" | the body must name one of name, eventTypes, expiresAt, rateLimit at least
    {"name":null} | "/name" | name must be a string, is null
    {"rateLimit":true} | "/rateLimit" | rateLimit must be a whole number, is true
    {"overlapSeconds":-1} | "/overlapSeconds" | overlapSeconds must be a number of seconds from 0 to 604800
    {"overlapSeconds":"1"} | "/overlapSeconds" | overlapSeconds must be a whole number, is a string
    {} | "/ids" | ids or all is required
    {"all":false} | "/all" | all must be true
    {"all":true,"ids":[]} | "/all" | all must not stand beside ids
    {"ids":["x"]} | "/ids/0" | ids/0 must be a UUID
    {"schema":{}} | "/mode" | mode is required
    {"schema":{},"mode":"on"} | "/mode" | mode must be off, warn or enforce
    {"schema":{"type":"strin"},"mode":"off"} | "/schema" | schema at /type: must match at least one of 2 schemas
    {"schema":{"pattern":"a++"},"mode":"off"} | "/schema" | schema at /pattern: has a quantifier behind a quantifier, such as a++: ECMA 262 has no possessive quantifiers
    "#);
}

#[tokio::test]
async fn queries_and_paths_are_told_what_is_allowed() {
    let service = Service::start().await;
    let mut all = String::new();
    for path in [
        "/admin/events?eventType=%FF",
        "/admin/events?%FF=a",
        "/admin/events?eventType=%C3%28",
        "/admin/events?eventType=a&eventType=a",
        "/admin/events?nosuch=1",
        "/admin/events?limit=0",
        "/admin/events/%FF",
        "/admin/event-types/%FF",
        "/admin/keys/%FF",
    ] {
        let problem = service.get(path).await.problem(StatusCode::BAD_REQUEST);
        writeln!(all, "{path} | {} | {}", problem["field"], problem["detail"].as_str().unwrap()).unwrap();
    }
    insta::assert_snapshot!(all, @r#"
    /admin/events?eventType=%FF | "eventType" | eventType must be UTF-8, in percent-encoding
    /admin/events?%FF=a | "%FF" | %FF must be UTF-8, in percent-encoding
    /admin/events?eventType=%C3%28 | "eventType" | eventType must be UTF-8, in percent-encoding
    /admin/events?eventType=a&eventType=a | "eventType" | eventType is given more than once
    /admin/events?nosuch=1 | "nosuch" | nosuch is not known here; there are status, eventType, since, until, cursor, limit
    /admin/events?limit=0 | "limit" | limit must be a number from 1 to 200
    /admin/events/%FF | "id" | id must be UTF-8, in percent-encoding
    /admin/event-types/%FF | "type" | type must be UTF-8, in percent-encoding
    /admin/keys/%FF | "id" | id must be UTF-8, in percent-encoding
    "#);
}
