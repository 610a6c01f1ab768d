use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};
use service::testing::{Contract, routes};

use crate::harness::{Service, absent, limits, publisher, router_with};

#[tokio::test]
async fn every_route_is_in_the_document_and_nothing_else() {
    let store = absent(std::time::Duration::from_millis(10));
    let router = router_with(store, door::Door::open(), publisher().await, limits());
    let told = Contract::of(&router).await.unwrap().operations();
    assert_eq!(routes(&router).await, told);
    assert!(told.contains("POST /events/batch"));
}

/// The call itself checks each answer against the document.
#[tokio::test]
async fn every_example_is_accepted() {
    let service = Service::start().await;
    let contract = service.contract().await;
    let mut sent = 0;
    for path in ["/events", "/events/batch"] {
        let content = &contract.document["paths"][path]["post"]["requestBody"]["content"];
        for (media, content) in content.as_object().unwrap() {
            let schema = content.get("schema").cloned().unwrap_or_else(|| json!({}));
            let validator = contract.validator(&schema);
            for (name, example) in content["examples"].as_object().unwrap() {
                let value = &example["value"];
                let is_text = media.ends_with("ndjson");
                assert!(is_text || validator.is_valid(value), "{name} is not what its schema says");
                let answer = service.call(request(path, media, value)).await;
                assert_eq!(answer.status, StatusCode::CREATED, "{name}: {answer:?}");
                sent += 1;
            }
        }
    }
    assert_eq!(sent, 8);
}

fn request(path: &str, media: &str, value: &Value) -> Request<Body> {
    let request = Request::post(path);
    let request = match media {
        media @ ("text/plain" | "application/octet-stream") => request
            .header(CONTENT_TYPE, media)
            .header("ce-specversion", "1.0")
            .header("ce-id", "1")
            .header("ce-source", "/examples")
            .header("ce-type", "order.paid"),
        media => request.header(CONTENT_TYPE, media),
    };
    let body = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    request.body(body.into()).unwrap()
}

/// The data of a CloudEvent may be any JSON, but that depends on its headers, which the schema of a body cannot
/// express.
#[tokio::test]
async fn a_body_of_json_is_an_event_and_nothing_else() {
    let service = Service::start().await;
    let contract = service.contract().await;
    let content = &contract.document["paths"]["/events"]["post"]["requestBody"]["content"];
    let may_be = |body: &Value| {
        let json = content
            .as_object()
            .unwrap()
            .iter()
            .filter(|(media, _)| ["application/json", "application/*", "*/*"].contains(&media.as_str()));
        json.map(|(_, content)| contract.validator(content.get("schema").unwrap_or(&json!({}))))
            .any(|validator| validator.is_valid(body))
    };
    assert!(may_be(&json!({"eventType": "a", "payload": {}})));
    for body in [json!({}), json!({"order": 1}), json!({"eventType": "a"}), json!([]), json!("a")] {
        assert!(!may_be(&body), "{body}");
        let answer = service.post(body.to_string()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}");
    }
}

#[tokio::test]
async fn the_page_takes_nothing_from_elsewhere() {
    let service = Service::start().await;
    let get = async |path: &str| service.call(Request::get(path).body(Body::empty()).unwrap()).await;
    let page = get("/docs").await;
    assert_eq!(page.status, StatusCode::OK);
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'self';"), "{policy}");
    let page = String::from_utf8(page.body.to_vec()).unwrap();
    for wanted in ["/events/batch", "application/x-ndjson", "Idempotency-Key", "429"] {
        assert!(page.contains(wanted), "{wanted}");
    }
    for foreign in ["://", "<script", " src=", "@import", "url("] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    let links = page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    for link in links.filter(|link| !link.starts_with('#')) {
        assert_eq!(get(link).await.status, StatusCode::OK, "{link}");
    }
}
