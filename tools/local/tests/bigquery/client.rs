//! A running stand-in, and the requests of its clients.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) const CHUNK: usize = 256 << 10;

pub(crate) struct Server {
    pub(crate) dir: TempDir,
    pub(crate) http: reqwest::Client,
    process: Child,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(port: u16, dir: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_local"))
        .args(["bigquery", "--port", &port.to_string(), "--dir"])
        .arg(dir)
        .spawn()
        .unwrap()
}

impl Server {
    /// Starts an empty stand-in.
    pub(crate) async fn start() -> Self {
        let _already_installed = rustls::crypto::ring::default_provider().install_default();
        for _ in 0..5 {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let port = listener.local_addr().unwrap().port();
            drop(listener);
            let dir = tempfile::tempdir().unwrap();
            let mut server =
                Self { process: spawn(port, dir.path()), dir, http: reqwest::Client::new(), port };
            // Another process may have taken the port in between.
            if server.is_ready().await {
                return server;
            }
        }
        panic!("no port can be had");
    }

    /// Starts a stand-in with a dataset in `location` and the table `events` in it.
    pub(crate) async fn with_table_in(location: &str) -> Self {
        let server = Self::start().await;
        let dataset = json!({"datasetReference": {"datasetId": "d"}, "location": location});
        let answer = server.post("/datasets", &dataset).await;
        assert_eq!(answer.status(), 200);
        let table = json!({
            "tableReference": {"projectId": "p", "datasetId": "d", "tableId": "events"},
            "schema": schema(),
            "timePartitioning": {"type": "DAY", "field": "createdAt"},
            "clustering": {"fields": ["eventType"]},
        });
        let answer = server.post("/datasets/d/tables", &table).await;
        assert_eq!(answer.status(), 200);
        server
    }

    pub(crate) async fn with_table() -> Self {
        Self::with_table_in("US").await
    }

    async fn is_ready(&mut self) -> bool {
        while self.process.try_wait().unwrap().is_none() {
            if self.http.get(self.url("/datasets")).send().await.is_ok() {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        false
    }

    /// Does the same as `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    pub(crate) async fn restart(&mut self) {
        self.kill();
        self.process = spawn(self.port, self.dir.path());
        assert!(self.is_ready().await);
    }

    pub(crate) fn base(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}/bigquery/v2/projects/p{path}", self.base())
    }

    pub(crate) fn upload_url(&self, kind: &str) -> String {
        format!("{}/upload/bigquery/v2/projects/p/jobs?uploadType={kind}", self.base())
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Response {
        self.http.post(self.url(path)).json(body).send().await.unwrap()
    }

    pub(crate) async fn delete(&self, path: &str) -> StatusCode {
        let request = self.http.request(Method::DELETE, self.url(path));
        request.send().await.unwrap().status()
    }

    pub(crate) async fn get(&self, path: &str) -> (StatusCode, Value) {
        let answer = self.http.get(self.url(path)).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    pub(crate) async fn faults(&self, faults: Value) -> Response {
        let url = format!("{}/control/faults", self.base());
        self.http.put(url).json(&faults).send().await.unwrap()
    }

    /// Opens a resumable session and returns its URI.
    pub(crate) async fn open(&self, job: &Value) -> String {
        let request = self.http.post(self.upload_url("resumable")).json(job);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.headers()["location"].to_str().unwrap().to_owned()
    }

    pub(crate) async fn put(&self, session: &str, range: &str, body: impl Into<reqwest::Body>) -> Response {
        let request = self.http.put(session).header("content-range", range);
        request.body(body).send().await.unwrap()
    }

    /// Uploads in one chunk.
    pub(crate) async fn upload(&self, job: &Value, rows: &str) -> Response {
        let session = self.open(job).await;
        let range = match rows.len() {
            0 => "bytes */0".to_owned(),
            length => format!("bytes 0-{}/{length}", length - 1),
        };
        self.put(&session, &range, rows.to_owned()).await
    }

    /// Uploads, and waits until the job has ended.
    pub(crate) async fn load(&self, job: &Value, rows: &str) -> Value {
        let answer = self.upload(job, rows).await;
        assert_eq!(answer.status(), 200);
        let accepted: Value = answer.json().await.unwrap();
        self.ended(&accepted["jobReference"]).await
    }

    pub(crate) async fn ended(&self, reference: &Value) -> Value {
        let id = reference["jobId"].as_str().unwrap();
        let location = reference["location"].as_str().unwrap();
        for _ in 0..1000 {
            let (status, job) = self.get(&format!("/jobs/{id}?location={location}")).await;
            assert_eq!(status, 200, "{job}");
            if job["status"]["state"] == "DONE" {
                return job;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("job {id} does not end");
    }

    /// Returns the first column of all rows.
    pub(crate) async fn ids(&self) -> Vec<String> {
        let (status, page) = self.get("/datasets/d/tables/events/data").await;
        assert_eq!(status, 200, "{page}");
        let rows = page["rows"].as_array().unwrap();
        let id = |row: &Value| row["f"][0]["v"].as_str().unwrap().to_owned();
        rows.iter().map(id).collect()
    }
}

pub(crate) fn schema() -> Value {
    json!({"fields": [
        {"name": "id", "type": "STRING", "mode": "REQUIRED"},
        {"name": "eventType", "type": "STRING"},
        {"name": "payload", "type": "JSON"},
        {"name": "retryCount", "type": "INTEGER"},
        {"name": "score", "type": "FLOAT"},
        {"name": "replayed", "type": "BOOLEAN"},
        {"name": "createdAt", "type": "TIMESTAMP"},
    ]})
}

pub(crate) fn job(id: &str) -> Value {
    json!({
        "jobReference": {"projectId": "p", "jobId": id},
        "configuration": {
            "labels": {"range": "17"},
            "load": {
                "destinationTable": {"projectId": "p", "datasetId": "d", "tableId": "events"},
                "sourceFormat": "NEWLINE_DELIMITED_JSON",
                "createDisposition": "CREATE_NEVER",
                "writeDisposition": "WRITE_APPEND",
            },
        },
    })
}

pub(crate) fn job_with(id: &str, name: &str, value: impl Into<Value>) -> Value {
    let mut job = job(id);
    job["configuration"]["load"][name] = value.into();
    job
}

pub(crate) async fn error(answer: Response) -> (u16, String, String) {
    let status = answer.status().as_u16();
    let body: Value = answer.json().await.unwrap();
    let error = &body["error"];
    assert_eq!(error["code"], status, "{body}");
    assert_eq!(error["errors"][0]["domain"], "global", "{body}");
    let reason = error["errors"][0]["reason"].as_str().unwrap().to_owned();
    (status, reason, error["message"].as_str().unwrap().to_owned())
}

/// Makes a row for each ID.
pub(crate) fn rows(ids: impl IntoIterator<Item = String>) -> String {
    let row = |id| json!({"id": id}).to_string() + "\n";
    ids.into_iter().map(row).collect()
}
