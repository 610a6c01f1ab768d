use std::time::{Duration, Instant};

use google_cloud_auth::credentials::anonymous;
use google_cloud_pubsub::client::Publisher;
use google_cloud_pubsub::model::Message;
use local::stack::{Options, Part, Stack};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};

/// The time limit of every wait. A failure names what it waited for.
const PATIENCE: Duration = Duration::from_mins(1);

/// Shorter than the numbers of a laptop, so that leases end and relays run during a test.
const NUMBERS: [(&str, &str); 8] = [
    ("HANDLER_LIMIT_SECONDS", "2"),
    ("LEASE_SECONDS", "3"),
    ("ACK_DEADLINE_SECONDS", "10"),
    ("FIRST_DUE_SECONDS", "4"),
    ("DUE_STEP_SECONDS", "21"),
    ("RELAY_EVERY_SECONDS", "1"),
    ("FLUSH_LEASE_SECONDS", "3"),
    ("PUBSUB_MAX_BACKOFF_MS", "500"),
];

/// The whole of EventFlow, and the requests of a test.
pub(crate) struct System {
    pub(crate) stack: Stack,
    client: Client,
}

impl System {
    pub(crate) async fn start(set: &[(&str, &str)]) -> Self {
        Self::try_start(set).await.unwrap()
    }

    pub(crate) async fn try_start(set: &[(&str, &str)]) -> Result<Self, local::Error> {
        let set: Vec<_> = NUMBERS.iter().chain(set).copied().collect();
        let stack = Stack::start(Options::for_test(&set)?).await?;
        Ok(Self { stack, client: Client::new() })
    }

    pub(crate) async fn stop(self) {
        self.stack.stop().await.unwrap();
    }

    pub(crate) async fn call(
        &self,
        method: Method,
        part: Part,
        path: &str,
        body: Option<&Value>,
    ) -> (u16, Value) {
        let mut request = self.client.request(method, self.stack.url(part) + path);
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap_or(Value::Null))
    }

    /// Posts an event, expects a 201, and returns the id.
    pub(crate) async fn post(&self, event_type: &str, payload: Value) -> String {
        let event = json!({ "eventType": event_type, "payload": payload });
        let (status, answer) = self.call(Method::POST, Part::Ingest, "/events", Some(&event)).await;
        assert_eq!(status, 201, "{answer}");
        answer["eventId"].as_str().unwrap().to_owned()
    }

    /// Posts an event as a part of the caller's trace.
    pub(crate) async fn post_within(&self, trace: &str, event_type: &str, payload: Value) -> String {
        let event = json!({ "eventType": event_type, "payload": payload });
        let request = self.client.post(self.stack.url(Part::Ingest) + "/events").json(&event);
        let request = request.header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"));
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        answer["eventId"].as_str().unwrap().to_owned()
    }

    /// Returns the lines that a part has logged so far.
    pub(crate) fn log(&self, part: Part) -> Vec<Value> {
        let path = self.stack.logs().join(format!("{}.log", part.name()));
        let log = std::fs::read_to_string(path).unwrap();
        // The last line may be incomplete, and the line of a fault point is no JSON.
        log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    pub(crate) async fn event(&self, id: &str) -> Value {
        let (status, event) = self.call(Method::GET, Part::Admin, &format!("/admin/events/{id}"), None).await;
        assert_eq!(status, 200, "{event}");
        event
    }

    pub(crate) async fn replay(&self, id: &str) {
        let path = format!("/admin/events/{id}/replay");
        let (status, answer) = self.call(Method::POST, Part::Admin, &path, None).await;
        assert_eq!(status, 200, "{answer}");
    }

    pub(crate) async fn until(&self, id: &str, status: &str) -> Value {
        let start = Instant::now();
        loop {
            let event = self.event(id).await;
            if event["status"] == status {
                return event;
            }
            assert!(start.elapsed() < PATIENCE, "waited for {status}: {event}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Returns the number of rows of an event in BigQuery.
    pub(crate) async fn rows_of(&self, id: &str) -> usize {
        let path =
            "/bigquery/v2/projects/eventflow-local/datasets/eventflow/tables/events/data?maxResults=10000";
        let (_, data) = self.call(Method::GET, Part::Bigquery, path, None).await;
        let rows = data["rows"].as_array().map_or(&[][..], Vec::as_slice);
        rows.iter().filter(|row| row["f"][0]["v"] == *id).count()
    }

    pub(crate) async fn until_loaded(&self, id: &str) {
        let start = Instant::now();
        while self.rows_of(id).await == 0 {
            assert!(start.elapsed() < PATIENCE, "waited for {id} in BigQuery");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(self.rows_of(id).await, 1);
    }

    pub(crate) async fn faults(&self, part: Part, faults: &Value) {
        let (status, answer) = self.call(Method::PUT, part, "/control/faults", Some(faults)).await;
        assert!((200..300).contains(&status), "{status} {answer}");
    }

    /// Publishes a message through Google's own client, as anyone with the right could do.
    pub(crate) async fn publish(&self, topic: &str, data: &str) {
        let publisher = Publisher::builder(format!("projects/eventflow-local/topics/{topic}"))
            .with_endpoint(self.stack.url(Part::Pubsub))
            .with_credentials(anonymous::Builder::new().build())
            .build()
            .await
            .unwrap();
        publisher.publish(Message::new().set_data(data.to_owned())).await.unwrap();
    }

    pub(crate) async fn number(&self, question: &str) -> i64 {
        let mut connection = PgConnection::connect(&self.stack.database_url()).await.unwrap();
        let answer =
            sqlx::raw_sql(AssertSqlSafe(question.to_owned())).fetch_one(&mut connection).await.unwrap();
        answer.get(0)
    }

    pub(crate) async fn until_number(&self, question: &str, wanted: i64) {
        let start = Instant::now();
        loop {
            let found = self.number(question).await;
            if found == wanted {
                return;
            }
            assert!(start.elapsed() < PATIENCE, "waited for {wanted}, found {found}: {question}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}
