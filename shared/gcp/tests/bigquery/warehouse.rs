use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde_json::{Value, json};

const QUANTUM: usize = 256 * 1024;

/// A fault of one request of an upload.
#[derive(Clone)]
pub(crate) enum Fault {
    /// The server gives this answer and does nothing else.
    Answer(u16, &'static str),
    /// The server does everything, and its answer is lost on the way back.
    LoseAnswer,
    /// The server keeps this many bytes, and then the connection breaks.
    Break(usize),
    /// The server keeps this many bytes and says so.
    Keep(usize),
    Hang,
}

/// A server with the few methods of BigQuery's API that are called, and with the resumable protocol.
#[derive(Clone)]
pub(crate) struct Warehouse {
    host: String,
    state: Arc<Mutex<Books>>,
}

#[derive(Default)]
pub(crate) struct Books {
    pub(crate) dataset: Option<Value>,
    pub(crate) table: Option<Value>,
    /// The answer of `jobs.get`, and below the answer to making a dataset or a table, if that is to fail.
    pub(crate) job_answer: Option<(u16, Value)>,
    pub(crate) make_answer: Option<(u16, Value)>,
    pub(crate) opening: VecDeque<Fault>,
    pub(crate) sending: VecDeque<Fault>,
    /// The jobs that were made, with the rows that they are to load.
    pub(crate) jobs: HashMap<String, (Value, Vec<u8>)>,
    pub(crate) ranges: Vec<String>,
    pub(crate) asked_location: Option<String>,
    sessions: Vec<(Value, Vec<u8>)>,
}

impl Warehouse {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let warehouse = Self { host: listener.local_addr().unwrap().to_string(), state: Arc::default() };
        let datasets = "/bigquery/v2/projects/{project}/datasets";
        let router = Router::new()
            .route(datasets, post(make_dataset))
            .route(&format!("{datasets}/{{dataset}}"), get(get_dataset))
            .route(&format!("{datasets}/{{dataset}}/tables"), post(make_table))
            .route(&format!("{datasets}/{{dataset}}/tables/{{table}}"), get(get_table))
            .route("/bigquery/v2/projects/{project}/jobs/{job}", get(get_job))
            .route("/upload/bigquery/v2/projects/{project}/jobs", post(open))
            .route("/session/{number}", put(send))
            .layer(DefaultBodyLimit::disable())
            .with_state(warehouse.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        warehouse
    }

    pub(crate) fn host(&self) -> String {
        self.host.clone()
    }

    pub(crate) fn books(&self) -> MutexGuard<'_, Books> {
        self.state.lock().unwrap()
    }

    /// The resource and the rows that the job was made with.
    pub(crate) fn job(&self, id: &str) -> (Value, Vec<u8>) {
        self.books().jobs[id].clone()
    }
}

pub(crate) fn error(status: u16, reason: &str, message: &str) -> Value {
    json!({ "error": {
        "code": status, "message": message, "status": "X",
        "errors": [{ "message": message, "domain": "global", "reason": reason }],
    }})
}

fn answer(status: u16, body: Value) -> Response {
    (StatusCode::from_u16(status).unwrap(), Json(body)).into_response()
}

fn not_found(what: &str) -> Response {
    answer(404, error(404, "notFound", &format!("Not found: {what}")))
}

async fn get_dataset(State(warehouse): State<Warehouse>) -> Response {
    let dataset = warehouse.books().dataset.clone();
    dataset.map_or_else(|| not_found("Dataset"), |dataset| answer(200, dataset))
}

async fn get_table(State(warehouse): State<Warehouse>) -> Response {
    let books = warehouse.books();
    match (&books.dataset, &books.table) {
        (None, _) => not_found("Dataset"),
        (_, None) => not_found("Table"),
        (_, Some(table)) => answer(200, table.clone()),
    }
}

async fn make_dataset(State(warehouse): State<Warehouse>, Json(body): Json<Value>) -> Response {
    let mut books = warehouse.books();
    if let Some((status, body)) = books.make_answer.clone() {
        return answer(status, body);
    }
    books.dataset = Some(body.clone());
    answer(200, body)
}

async fn make_table(State(warehouse): State<Warehouse>, Json(body): Json<Value>) -> Response {
    let mut books = warehouse.books();
    if books.dataset.is_none() {
        return not_found("Dataset");
    }
    if let Some((status, body)) = books.make_answer.clone() {
        return answer(status, body);
    }
    books.table = Some(body.clone());
    answer(200, body)
}

async fn get_job(
    State(warehouse): State<Warehouse>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let mut books = warehouse.books();
    books.asked_location = query.get("location").cloned();
    match books.job_answer.clone() {
        Some((status, body)) => answer(status, body),
        None => not_found("Job p:x"),
    }
}

async fn open(
    State(warehouse): State<Warehouse>,
    Query(query): Query<HashMap<String, String>>,
    Json(job): Json<Value>,
) -> Response {
    assert_eq!(query["uploadType"], "resumable");
    let fault = warehouse.books().opening.pop_front();
    match fault {
        Some(Fault::Answer(status, reason)) => {
            return answer(status, error(status, reason, "as asked for"));
        }
        Some(Fault::Hang) => tokio::time::sleep(Duration::from_mins(1)).await,
        _ => {}
    }
    let mut books = warehouse.books();
    books.sessions.push((job, Vec::new()));
    let number = books.sessions.len() - 1;
    let uri = format!("http://{}/session/{number}", warehouse.host);
    [("location", uri)].into_response()
}

async fn send(
    State(warehouse): State<Warehouse>,
    Path(number): Path<usize>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let range = headers["content-range"].to_str().unwrap();
    let fault = {
        let mut books = warehouse.books();
        books.ranges.push(range.into());
        books.sending.pop_front()
    };
    match fault {
        None => warehouse.books().take(number, range, &body),
        Some(Fault::Answer(status, reason)) => answer(status, error(status, reason, "as asked for")),
        Some(Fault::LoseAnswer) => {
            warehouse.books().take(number, range, &body);
            answer(503, error(503, "backendError", "lost"))
        }
        Some(Fault::Break(bytes)) => {
            warehouse.books().sessions[number].1.extend(&body[..bytes]);
            answer(503, error(503, "backendError", "broken"))
        }
        Some(Fault::Keep(bytes)) => {
            let mut books = warehouse.books();
            books.sessions[number].1.extend(&body[..bytes]);
            persisted(books.sessions[number].1.len())
        }
        Some(Fault::Hang) => {
            tokio::time::sleep(Duration::from_mins(1)).await;
            StatusCode::OK.into_response()
        }
    }
}

impl Books {
    /// Takes one `PUT` as strictly as BigQuery does.
    fn take(&mut self, number: usize, range: &str, body: &[u8]) -> Response {
        let (job, bytes) = &mut self.sessions[number];
        let (piece, total) = range.strip_prefix("bytes ").unwrap().split_once('/').unwrap();
        if piece != "*" {
            let (from, to) = piece.split_once('-').unwrap();
            let (from, to): (usize, usize) = (from.parse().unwrap(), to.parse().unwrap());
            if from != bytes.len() || to + 1 - from != body.len() {
                return answer(400, error(400, "invalid", "a range that does not fit"));
            }
            if total == "*" && !body.len().is_multiple_of(QUANTUM) {
                return answer(400, error(400, "invalid", "no multiple of 256 KiB"));
            }
            bytes.extend(body);
        }
        if total.parse() != Ok(bytes.len()) {
            return persisted(bytes.len());
        }
        let id = job["jobReference"]["jobId"].as_str().unwrap().to_owned();
        self.jobs.insert(id, (job.clone(), bytes.clone()));
        answer(200, job.clone())
    }
}

fn persisted(length: usize) -> Response {
    let mut response = StatusCode::PERMANENT_REDIRECT.into_response();
    if length > 0 {
        let range = format!("bytes=0-{}", length - 1).parse().unwrap();
        response.headers_mut().insert("range", range);
    }
    response
}
