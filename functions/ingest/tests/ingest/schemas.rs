use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use event::EventType;
use ingest::Schemas;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use service::testing::{Answer, call};
use store::testing::{Database, database};
use store::{Act, Mode};
use tokio::task::JoinHandle;

use crate::harness::{absent, event, router_with_schemas};

struct Service {
    database: Database,
    schemas: Schemas,
    router: Router,
}

impl Service {
    async fn start() -> Self {
        Self::on(database().await).await
    }

    async fn on(database: Database) -> Self {
        let schemas = Schemas::new(database.store.clone());
        let router = router_with_schemas(database.store.clone(), schemas.clone()).await;
        Self { database, schemas, router }
    }

    async fn post(&self, event_type: &str, payload: &Value) -> Answer {
        let body = json!({"eventType": event_type, "payload": payload});
        call(self.router.clone(), event(body.to_string())).await
    }

    async fn count(&self) -> i64 {
        self.database.value("SELECT count(*) FROM events").await
    }
}

async fn put(database: &Database, event_type: &str, schema: &Value, mode: Mode) {
    let event_type = EventType::new(event_type.into()).unwrap();
    let schema = RawValue::from_string(schema.to_string()).unwrap();
    database.store.put_event_type(event_type, schema, mode, act()).await.unwrap();
}

fn act() -> Act {
    Act { actor: "ann".into(), role: "owner".into(), address: None, request_id: None }
}

fn signup() -> Value {
    json!({"required": ["email"], "properties": {
        "email": {"type": "string", "format": "email"}, "tags": {"items": {"type": "string"}}}})
}

#[tokio::test]
async fn an_enforced_schema_refuses_and_names_each_place_and_rule() {
    let service = Service::start().await;
    put(&service.database, "user.signup", &signup(), Mode::Enforce).await;
    let bad = json!({"tags": ["a", 7], "secret": "s3cr3t"});
    insta::assert_json_snapshot!(
        service.post("user.signup", &bad).await.problem(StatusCode::UNPROCESSABLE_ENTITY)
    );
    assert_eq!(service.count().await, 0);
    let good = json!({"email": "a@example.com"});
    assert_eq!(service.post("user.signup", &good).await.status, StatusCode::CREATED);
    assert_eq!(service.post("user.login", &bad).await.status, StatusCode::CREATED, "a type without a schema");
    assert_eq!(service.post("user.signup ", &bad).await.status, StatusCode::CREATED, "another type");
}

#[tokio::test]
async fn a_schema_that_warns_or_is_off_takes_everything() {
    let service = Service::start().await;
    for (event_type, mode) in [("warned", Mode::Warn), ("off", Mode::Off)] {
        put(&service.database, event_type, &json!(false), mode).await;
        assert_eq!(service.post(event_type, &json!({})).await.status, StatusCode::CREATED, "{event_type}");
    }
    assert_eq!(service.count().await, 2);
}

#[tokio::test]
async fn each_event_of_a_batch_is_checked_for_itself() {
    let service = Service::start().await;
    put(&service.database, "user.signup", &signup(), Mode::Enforce).await;
    let of = |payload: Value| json!({"eventType": "user.signup", "payload": payload});
    // The payload is large enough to be checked beside the requests.
    let large = "x".repeat(20_000);
    for filler in ["", large.as_str()] {
        let batch = json!([of(json!({"email": "a@example.com", "f": filler})), of(json!({"email": 7})), 8]);
        let request = Request::post("/events/batch").header("content-type", "application/json");
        let answer = call(service.router.clone(), request.body(Body::from(batch.to_string())).unwrap()).await;
        assert_eq!(answer.status, StatusCode::MULTI_STATUS, "{answer:?}");
        let results = &answer.json()["results"];
        let statuses: Vec<_> = (0..3).map(|at| results[at]["status"].as_u64().unwrap()).collect();
        assert_eq!(statuses, [201, 422, 400]);
        assert_eq!(results[1]["problem"]["violations"][0]["pointer"], "/email");
    }
}

#[tokio::test]
async fn a_payload_of_the_largest_size_is_checked_too() {
    let service = Service::start().await;
    put(
        &service.database,
        "numbers",
        &json!({"properties": {"n": {"items": {"type": "integer"}}}}),
        Mode::Enforce,
    )
    .await;
    let mut numbers = vec![json!(7); 400_000];
    assert_eq!(service.post("numbers", &json!({"n": numbers})).await.status, StatusCode::CREATED);
    numbers[399_999] = json!("x");
    let problem =
        service.post("numbers", &json!({"n": numbers})).await.problem(StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(problem["violations"][0]["pointer"], "/n/399999");
}

/// Each instance takes up every change on its own.
#[tokio::test]
async fn two_instances_take_up_each_change() {
    let first = Service::start().await;
    let second =
        Service::on(Database { url: first.database.url.clone(), store: first.database.store.clone() }).await;
    let keepers = [&first, &second].map(|service| tokio::spawn(service.schemas.clone().keep()));
    let payload = json!({"n": 1});
    for (schema, mode, status) in [
        (json!({"maxProperties": 0}), Mode::Enforce, StatusCode::UNPROCESSABLE_ENTITY),
        (json!({"maxProperties": 1}), Mode::Enforce, StatusCode::CREATED),
        (json!(false), Mode::Enforce, StatusCode::UNPROCESSABLE_ENTITY),
        (json!(false), Mode::Warn, StatusCode::CREATED),
        (json!(false), Mode::Enforce, StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        put(&first.database, "a", &schema, mode).await;
        for service in [&first, &second] {
            until(service, &payload, status).await;
        }
    }
    let event_type = EventType::new("a".into()).unwrap();
    assert!(first.database.store.remove_event_type(event_type, act()).await.unwrap());
    for service in [&first, &second] {
        until(service, &payload, StatusCode::CREATED).await;
    }
    keepers.iter().for_each(JoinHandle::abort);
}

async fn until(service: &Service, payload: &Value, status: StatusCode) {
    let seen = async { while service.post("a", payload).await.status != status {} };
    tokio::time::timeout(Duration::from_mins(1), seen).await.unwrap();
}

#[tokio::test]
async fn nothing_is_taken_before_the_schemas_were_read() {
    let store = absent(Duration::from_millis(50));
    let schemas = Schemas::new(store.clone());
    assert!(schemas.ready().await.is_err());
    let answer =
        call(router_with_schemas(store, schemas).await, event(r#"{"eventType":"a","payload":{}}"#)).await;
    assert_eq!(answer.header("retry-after"), "1");
    let problem = answer.problem(StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(problem["detail"], "schemas cannot be checked now: the database is not available");
}

/// Such a schema may come from an admin of a later release.
#[tokio::test]
async fn a_schema_that_cannot_be_used_is_closed_where_it_is_enforced() {
    let service = Service::start().await;
    put(&service.database, "closed", &json!({"type": "of the future"}), Mode::Enforce).await;
    put(&service.database, "warned", &json!({"type": "of the future"}), Mode::Warn).await;
    let problem = service.post("closed", &json!({})).await.problem(StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(problem["detail"], "the schema of closed cannot be used here, and it is enforced");
    assert_eq!(service.post("warned", &json!({})).await.status, StatusCode::CREATED);
}
