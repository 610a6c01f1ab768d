//! `local demo`, against a system with faults that the test chooses.
#![allow(clippy::unwrap_used)]

use std::{
    collections::BTreeMap,
    process::Output,
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::StatusCode,
    routing::{get, post},
};
use event::EventId;
use serde_json::{Value, json};
use tokio::{net::TcpListener, process::Command};

/// The faults of the system. By default it has none.
#[derive(Clone, Copy, Default)]
struct Faults {
    /// A later flush loads the first event again.
    doubles: bool,
    /// The first body is over the limit.
    refuses: bool,
}

#[derive(Default)]
struct System {
    faults: Faults,
    state: Mutex<Recorded>,
}

#[derive(Default)]
struct Recorded {
    bodies: Vec<Value>,
    ids: Vec<EventId>,
    asked_for_rows: usize,
}

type Shared = State<Arc<System>>;

async fn take(State(system): Shared, Json(body): Json<Value>) -> (StatusCode, Json<Value>) {
    let mut state = system.state.lock().unwrap();
    state.bodies.push(body);
    let number = state.bodies.len();
    if system.faults.refuses && number == 1 {
        let problem = json!({ "detail": "the body is over the limit" });
        return (StatusCode::PAYLOAD_TOO_LARGE, Json(problem));
    }
    let id = EventId::lowest_at(number as u64);
    state.ids.push(id);
    (StatusCode::CREATED, Json(json!({ "eventId": id })))
}

async fn status(State(system): Shared, Path(id): Path<EventId>) -> (StatusCode, Json<Value>) {
    let known = system.state.lock().unwrap().ids.contains(&id);
    let status = if known { StatusCode::OK } else { StatusCode::NOT_FOUND };
    (status, Json(json!({ "id": id, "status": "PROCESSED" })))
}

async fn rows(State(system): Shared, Query(query): Query<BTreeMap<String, String>>) -> Json<Value> {
    let mut state = system.state.lock().unwrap();
    state.asked_for_rows += 1;
    // An event of an earlier run has the first row.
    let mut all = vec![EventId::lowest_at(1_000_000)];
    all.extend(&state.ids);
    if system.faults.doubles && state.asked_for_rows > 4 {
        all.push(state.ids[0]);
    }
    let number = |name: &str| query[name].parse::<usize>().unwrap();
    let page = all.iter().skip(number("startIndex"));
    let page = page.take(number("maxResults"));
    let rows: Vec<_> = page.map(|id| json!({ "f": [{ "v": id }] })).collect();
    Json(json!({ "totalRows": all.len().to_string(), "rows": rows }))
}

async fn listen(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    tokio::spawn(async move { axum::serve(listener, router).await });
    port
}

/// Returns the demo's exit code and its output. It finds no npm.
async fn demo(ports: [(&str, String); 3]) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let output: Output = Command::new(env!("CARGO_BIN_EXE_local"))
        .arg("demo")
        .current_dir(folder.path())
        .env_clear()
        .env("PATH", folder.path())
        .env("HOME", folder.path())
        .env("FLUSH_EVERY_SECONDS", "1")
        .envs(ports)
        .output()
        .await
        .unwrap();
    let told = [output.stdout, output.stderr].map(|told| String::from_utf8(told).unwrap());
    (output.status.code(), told.concat())
}

async fn demo_with(faults: Faults) -> (Option<i32>, String, Arc<System>) {
    let system = Arc::new(System { faults, ..System::default() });
    let ingest = Router::new().route("/events", post(take));
    let admin = Router::new().route("/admin/events/{id}", get(status));
    let table = "/bigquery/v2/projects/eventflow-local/datasets/eventflow/tables/events/data";
    let bigquery = Router::new().route(table, get(rows));
    let ports = [
        ("INGEST_PORT", listen(ingest.with_state(system.clone())).await),
        ("ADMIN_PORT", listen(admin.with_state(system.clone())).await),
        ("BIGQUERY_PORT", listen(bigquery.with_state(system.clone())).await),
    ];
    let (code, told) = demo(ports).await;
    (code, told, system)
}

/// The number in the line of that name in the books.
fn number(told: &str, name: &str) -> usize {
    let mut words = told.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let line = words.find(|words| words.len() == 2 && words[0] == name);
    line.unwrap_or_else(|| panic!("no {name} in\n{told}"))[1].parse().unwrap()
}

#[tokio::test]
async fn every_example_is_sent_once_and_the_books_balance() {
    let (code, told, system) = demo_with(Faults::default()).await;
    assert_eq!(code, Some(0), "{told}");
    for name in ["sent", "stored", "processed", "rows"] {
        assert_eq!(number(&told, name), 329, "{told}");
    }
    assert_eq!(number(&told, "dead"), 0);
    assert!(told.contains("The books balance."), "{told}");

    let state = system.state.lock().unwrap();
    assert_eq!(state.bodies.len(), 329);
    for body in &state.bodies {
        let names: Vec<_> = body.as_object().unwrap().keys().collect();
        assert_eq!(names, ["eventType", "payload"]);
        assert!(body["eventType"].as_str().unwrap().starts_with("github."));
        assert!(body["payload"].is_object());
    }
}

#[tokio::test]
async fn a_row_that_a_later_flush_doubles_is_found() {
    let (code, told, _) = demo_with(Faults { doubles: true, ..Faults::default() }).await;
    assert_eq!(code, Some(1), "{told}");
    assert_eq!(number(&told, "rows"), 330);
    assert!(told.contains("is 2 rows in BigQuery"), "{told}");
}

#[tokio::test]
async fn a_refused_example_is_named() {
    let (code, told, _) = demo_with(Faults { refuses: true, ..Faults::default() }).await;
    assert_eq!(code, Some(1), "{told}");
    assert_eq!((number(&told, "sent"), number(&told, "stored")), (329, 328));
    let refused = "was refused: 413 Payload Too Large: the body is over the limit";
    assert!(told.contains(refused), "{told}");
}

#[tokio::test]
async fn without_a_system_it_says_what_to_start() {
    let [ingest, admin, bigquery] = local::ports::free().unwrap().map(|port| port.to_string());
    let nothing = format!("error: nothing listens on port {ingest}: start `make run` first\n");
    let ports = [("INGEST_PORT", ingest), ("ADMIN_PORT", admin), ("BIGQUERY_PORT", bigquery)];
    assert_eq!(demo(ports).await, (Some(1), nothing));
}
