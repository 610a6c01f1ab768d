//! The whole stack: an event is processed, and parts that die are started again.
#![allow(clippy::unwrap_used)]

use std::{
    process::Command,
    time::{Duration, Instant},
};

use local::stack::{Options, Part, Stack};
use serde_json::{Value, json};

const ALL: [Part; 8] = [
    Part::Postgres,
    Part::Oidc,
    Part::Pubsub,
    Part::Bigquery,
    Part::Ingest,
    Part::ProcessPush,
    Part::Admin,
    Part::BqFlush,
];

async fn post(stack: &Stack) -> String {
    let event = json!({"eventType": "user.signup", "payload": {"userId": "123"}});
    let url = format!("{}/events", stack.url(Part::Ingest));
    let request = reqwest::Client::new().post(url).json(&event);
    let answer: Value = request.send().await.unwrap().json().await.unwrap();
    answer["eventId"].as_str().unwrap().to_owned()
}

async fn is_processed(stack: &Stack, id: &str) {
    let url = format!("{}/admin/events/{id}", stack.url(Part::Admin));
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let event: Value = reqwest::get(&url).await.unwrap().json().await.unwrap();
        if event["status"] == "PROCESSED" {
            return;
        }
        assert!(Instant::now() < deadline, "not processed within 10 s: {event}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn is_there(pid: u32) -> bool {
    let args = ["-o", "stat=", "-p", &pid.to_string()];
    let output = Command::new("ps").args(args).output().unwrap();
    let state = String::from_utf8(output.stdout).unwrap();
    !state.trim().is_empty() && !state.starts_with('Z')
}

#[tokio::test]
async fn an_event_goes_its_way_whoever_has_died_before() {
    let options = Options::for_test(&[]).unwrap();
    let stack = Stack::start(options.without(&[Part::Scheduler])).await.unwrap();
    is_processed(&stack, &post(&stack).await).await;

    // Pub/Sub forgets its topics, and the services have connections to the database.
    for part in [Part::Pubsub, Part::ProcessPush, Part::Postgres] {
        let before = stack.pid(part);
        stack.kill(part).await.unwrap();
        stack.ready(part).await.unwrap();
        assert_ne!(stack.pid(part), before, "{part}");
    }
    is_processed(&stack, &post(&stack).await).await;

    let pids = ALL.map(|part| stack.pid(part).unwrap());
    stack.stop().await.unwrap();
    for (part, pid) in ALL.iter().zip(pids) {
        assert!(!is_there(pid), "{part} is still there");
    }
}
