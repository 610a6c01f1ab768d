//! One trace goes from the request to the end of its event, also if the relay or a replay brings the event there.

use std::time::{Duration, Instant};

use local::stack::Part;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::system::System;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// Waits for a line of the part about this event that satisfies `is_it`, and returns the traces of all such lines.
async fn traces(system: &System, part: Part, id: &str, is_it: impl Fn(&Value) -> bool) -> Vec<String> {
    let start = Instant::now();
    loop {
        let lines = system.log(part).into_iter().filter(|line| line["span"]["event_id"] == *id);
        let lines: Vec<_> = lines.filter(&is_it).collect();
        if !lines.is_empty() {
            let trace = |line: &Value| line["logging.googleapis.com/trace"].as_str().unwrap().to_owned();
            return lines.iter().map(trace).collect();
        }
        assert!(start.elapsed() < Duration::from_mins(1), "{part} says nothing of {id}");
        sleep(Duration::from_millis(50)).await;
    }
}

fn is_push(line: &Value) -> bool {
    line["httpRequest"]["requestUrl"] == "/push"
}

fn is_failure(line: &Value) -> bool {
    line["message"] == "the attempt failed"
}

/// Returns the logged trace of the request that made the latest event.
fn ingested(system: &System) -> String {
    let lines = system.log(Part::Ingest);
    let request = lines.iter().rfind(|line| line["httpRequest"]["requestUrl"] == "/events").unwrap();
    request["logging.googleapis.com/trace"].as_str().unwrap().to_owned()
}

async fn until_logged(system: &System, requests: usize) {
    let start = Instant::now();
    while system.log(Part::Ingest).iter().filter(|line| line["httpRequest"]["status"] == 201).count()
        < requests
    {
        assert!(start.elapsed() < Duration::from_mins(1), "ingest has not logged {requests} requests");
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_goes_on_where_the_relay_publishes_or_runs_the_event_and_where_it_is_replayed() {
    let system = System::start(&[]).await;
    let traced = format!("projects/eventflow-local/traces/{TRACE}");

    // The relay publishes it.
    system.faults(Part::Pubsub, &json!({"refusePublish":1.0})).await;
    let id = system.post_within(TRACE, "demo.flaky", json!({"failTimes":4})).await;
    until_logged(&system, 1).await;
    assert_eq!(ingested(&system), traced);
    system.faults(Part::Pubsub, &json!({})).await;
    assert_eq!(traces(&system, Part::ProcessPush, &id, is_push).await[0], traced);

    // Admin publishes it.
    system.until(&id, "DEAD_LETTER").await;
    let before = traces(&system, Part::ProcessPush, &id, is_push).await.len();
    system.replay(&id).await;
    system.until(&id, "PROCESSED").await;
    let pushes = traces(&system, Part::ProcessPush, &id, is_push).await;
    assert!(pushes.len() > before && pushes.iter().all(|trace| *trace == traced), "{pushes:?}");

    // The relay runs it. This caller sends no trace, so ingest begins one.
    system.faults(Part::Pubsub, &json!({"refusePublish":1.0})).await;
    let id = system.post("demo.flaky", json!({"failTimes":1})).await;
    until_logged(&system, 2).await;
    let begun = ingested(&system);
    assert_ne!(begun, traced);
    let failures = traces(&system, Part::ProcessPush, &id, is_failure).await;
    assert_eq!(failures, [begun]);
    assert!(system.event(&id).await["attempts"][0]["messageId"].is_null(), "no message brought it");
    system.stop().await;
}
