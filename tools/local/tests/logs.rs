//! The logs contain no secret and no part of an event. The test runs the stack at the most detailed level, puts a
//! marker into everything that must stay out of the logs, and searches for each marker.
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    time::{Duration, Instant},
};

use local::stack::{Options, Part, Stack};
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::{Value, json};

const CALLER: &str = "caller@eventflow-local.iam.gserviceaccount.com";

/// A unique name for each thing that must stay out of the logs.
const MARKERS: [&str; 12] = [
    "MarkerPayload",
    "MarkerMetadata",
    "MarkerRefused",
    "MarkerMalformed",
    "MarkerHandler",
    "MarkerIdempotency",
    "MarkerQuery",
    "MarkerPath",
    "MarkerToken",
    "MarkerKey",
    "MarkerName",
    "MarkerCookie",
];
/// The first characters of every token, and of every API key.
const SECRETS: [&str; 2] = ["eyJ", "efk_"];

struct Run {
    stack: Stack,
    client: Client,
    key: String,
}

impl Run {
    async fn start() -> Self {
        let set = [
            ("INGEST_AUTH", "keys"),
            ("ADMIN_AUTH", "google"),
            ("ADMIN_OWNERS", CALLER),
            ("LOG_LEVEL", "trace"),
            ("FLUSH_EVERY_SECONDS", "1"),
            ("RELAY_EVERY_SECONDS", "1"),
        ];
        let stack = Stack::start(Options::for_test(&set).unwrap()).await.unwrap();
        let mut run = Self { stack, client: Client::new(), key: String::new() };
        let url = format!("{}/admin/keys", run.stack.url(Part::Admin));
        let wish = run
            .client
            .post(url)
            .bearer_auth(run.token(Part::Admin).await)
            .json(&json!({"name": "MarkerName"}));
        let made: Value = wish.send().await.unwrap().json().await.unwrap();
        run.key = made["key"].as_str().unwrap().to_owned();
        // Ingest looks for new keys every second.
        while run.post().bearer_auth(&run.key).send().await.unwrap().status() == StatusCode::UNAUTHORIZED {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        run
    }

    async fn token(&self, part: Part) -> String {
        let wish = json!({"email": CALLER, "audience": self.stack.url(part)});
        let request = self.client.post(format!("{}/token", self.stack.url(Part::Oidc))).json(&wish);
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        answer["token"].as_str().unwrap().to_owned()
    }

    fn post(&self) -> RequestBuilder {
        self.client.post(format!("{}/events", self.stack.url(Part::Ingest)))
    }

    async fn send(&self, event: Value, key: &str) -> String {
        let request = self.post().bearer_auth(&self.key).header("idempotency-key", key).json(&event);
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        answer["eventId"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    async fn admin(&self, path: &str) -> (StatusCode, Value) {
        let request = self.client.get(format!("{}{path}", self.stack.url(Part::Admin)));
        let answer = request.bearer_auth(self.token(Part::Admin).await).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    async fn becomes(&self, id: &str, status: &str) {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let (_, event) = self.admin(&format!("/admin/events/{id}")).await;
            if event["status"] == status {
                return;
            }
            assert!(Instant::now() < deadline, "not {status} within 30 s: {event}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Returns every log with its name.
    fn logs(&self) -> Vec<(String, String)> {
        let files = fs::read_dir(self.stack.logs()).unwrap().map(|file| file.unwrap().path());
        let text = |path: std::path::PathBuf| {
            let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
            (path.file_name().unwrap().to_string_lossy().into_owned(), text)
        };
        files.map(text).collect()
    }

    fn log(&self, part: Part) -> String {
        fs::read_to_string(self.stack.logs().join(format!("{}.log", part.name()))).unwrap()
    }
}

/// Sends every kind of text that a caller can send, in each place of a request.
async fn say_it_all(run: &Run) {
    let event =
        |kind, payload| json!({"eventType": kind, "payload": payload, "metadata": {"who": "MarkerMetadata"}});
    let good = run.send(event("user.signup", json!({"name": "MarkerPayload"})), "MarkerIdempotency-1").await;
    // The handler cannot read the payload, and reports that.
    let bad = event("demo.flaky", json!({"failTimes": "MarkerHandler"}));
    let bad = run.send(bad, "MarkerIdempotency-2").await;
    run.becomes(&good, "PROCESSED").await;
    run.becomes(&bad, "DEAD_LETTER").await;

    let key = &run.key;
    let refused = [
        run.post()
            .bearer_auth(key)
            .json(&json!({"eventType": "MarkerRefused", "payload": 1, "other": "MarkerRefused"})),
        run.post().bearer_auth(key).json(&json!({"eventType": ["MarkerRefused"]})),
        run.post()
            .bearer_auth(key)
            .header("content-type", "application/json")
            .body("{\"MarkerMalformed\": MarkerMalformed"),
        run.post().bearer_auth(format!("{key}MarkerToken")).body("MarkerPayload"),
        run.post().bearer_auth("MarkerToken"),
        run.post().header("authorization", "Basic TWFya2VyVG9rZW46MarkerToken"),
        run.post().header("x-api-key", "efk_MarkerKey_0123456789").header("cookie", "session=MarkerCookie"),
        run.client.get(format!("{}/MarkerPath?key=MarkerQuery", run.stack.url(Part::Ingest))),
    ];
    for request in refused {
        let status = request.send().await.unwrap().status();
        assert!(status.is_client_error(), "{status}");
    }
    for path in
        ["/admin/events?cursor=MarkerQuery", "/admin/events/MarkerPath", "/admin/events?status=MarkerQuery"]
    {
        let (status, _) = run.admin(path).await;
        assert!(status.is_client_error(), "{path}: {status}");
    }
    let push = format!("{}/push?token=MarkerQuery", run.stack.url(Part::ProcessPush));
    let status = run
        .client
        .post(push)
        .bearer_auth("eyJ.MarkerToken")
        .body("MarkerPayload")
        .send()
        .await
        .unwrap()
        .status();
    assert_eq!(status, StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_and_nothing_of_an_event_is_logged() {
    let run = Run::start().await;
    say_it_all(&run).await;
    // Waits for a second flush, so that the first one with these events has ended.
    let flushed = || run.log(Part::BqFlush).matches("/flush").count();
    let (before, deadline) = (flushed(), Instant::now() + Duration::from_secs(30));
    while flushed() < before + 2 {
        assert!(Instant::now() < deadline, "no flush within 30 s");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }

    for part in [Part::Ingest, Part::ProcessPush, Part::Admin, Part::BqFlush] {
        let log = run.log(part);
        assert!(log.contains("httpRequest"), "{part} has logged no request, which would hide nothing: {log}");
    }
    let logs = run.logs();
    let lines = logs.iter().flat_map(|(name, text)| text.lines().map(move |line| (name, line)));
    let leaks: Vec<_> = lines
        .filter(|(_, line)| MARKERS.iter().chain(&SECRETS).any(|secret| line.contains(secret)))
        .collect();
    assert!(leaks.is_empty(), "{leaks:#?}");
    run.stack.stop().await.unwrap();
}
