//! The behaviour while nothing but the handlers fails.

use local::stack::Part;
use reqwest::Method;
use serde_json::json;

use crate::system::System;

pub(crate) async fn all(system: &System) {
    tokio::join!(
        happy(system),
        flaky(system),
        permanent(system),
        four_failures_and_a_replay(system),
        slow(system),
        duplicates(system),
        a_stale_dead_letter(system),
        unreadable(system),
    );
    books(system).await;
}

async fn happy(system: &System) {
    let payload = r#"{"z":12345678901234567890,"a":"é😀","n":1.10}"#;
    let id = system.post("user.signup", serde_json::from_str(r#"{"n":1}"#).unwrap()).await;
    let event = system.until(&id, "PROCESSED").await;
    assert_eq!((&event["retryCount"], &event["payload"]), (&json!(0), &json!({"n":1})));
    system.until_loaded(&id).await;

    let body = format!(r#"{{"eventType":"text","payload":{payload}}}"#);
    let url = system.stack.url(Part::Ingest) + "/events";
    let request = reqwest::Client::new().post(url).header("content-type", "application/json").body(body);
    let answer: serde_json::Value = request.send().await.unwrap().json().await.unwrap();
    let id = answer["eventId"].as_str().unwrap();
    let url = format!("{}/admin/events/{id}", system.stack.url(Part::Admin));
    let shown = reqwest::get(url).await.unwrap().text().await.unwrap();
    assert!(shown.contains(payload), "as it went in: {shown}");
}

async fn flaky(system: &System) {
    let id = system.post("demo.flaky", json!({"failTimes":2})).await;
    let event = system.until(&id, "PROCESSED").await;
    assert_eq!(event["retryCount"], 2, "{event}");
    assert_eq!(event["attempts"].as_array().unwrap().len(), 2, "{event}");
    assert_eq!(event["outcomes"][0]["attempt"], 3, "{event}");
}

async fn permanent(system: &System) {
    let id = system.post("demo.flaky", json!({"permanent":true})).await;
    let event = system.until(&id, "DEAD_LETTER").await;
    assert_eq!(event["retryCount"], 0, "{event}");
    assert_eq!(event["failureReason"], "the payload asked for a permanent failure");
}

async fn four_failures_and_a_replay(system: &System) {
    let id = system.post("demo.flaky", json!({"failTimes":4})).await;
    let event = system.until(&id, "DEAD_LETTER").await;
    assert_eq!(event["retryCount"], 3, "{event}");
    assert_eq!(event["attempts"].as_array().unwrap().len(), 4, "{event}");
    system.replay(&id).await;
    let event = system.until(&id, "PROCESSED").await;
    assert_eq!((&event["retryCount"], &event["outcomes"][1]["attempt"]), (&json!(0), &json!(5)), "{event}");
    system.until_loaded(&id).await;
}

async fn slow(system: &System) {
    let id = system.post("demo.flaky", json!({"sleepMs":60_000})).await;
    let event = system.until(&id, "FAILED").await;
    assert_eq!(event["attempts"][0]["ended"], "TIMED_OUT", "{event}");
}

async fn duplicates(system: &System) {
    let id = system.post("demo.ledger", json!({"weight":7})).await;
    for _ in 0..5 {
        system.publish("events", &id).await;
    }
    system.until(&id, "PROCESSED").await;
    system.publish("events", &id).await;
    let weight = format!("SELECT coalesce(sum(weight), 0)::bigint FROM demo_ledger WHERE event_id = '{id}'");
    assert_eq!(system.number(&weight).await, 7);
    system.until_loaded(&id).await;
}

/// A message from before a replay says nothing about the present state of the event.
async fn a_stale_dead_letter(system: &System) {
    let id = system.post("demo.flaky", json!({"permanent":true})).await;
    system.until(&id, "DEAD_LETTER").await;
    system.replay(&id).await;
    system.publish("events-dead-letter", &id).await;
    let event = system.until(&id, "DEAD_LETTER").await;
    assert_eq!(event["outcomes"].as_array().unwrap().len(), 2, "it ran again before it ended: {event}");
    let done = system.post("user.signup", json!({})).await;
    system.until(&done, "PROCESSED").await;
    system.publish("events-dead-letter", &done).await;
    assert_eq!(system.event(&done).await["status"], "PROCESSED");
}

async fn unreadable(system: &System) {
    system.publish("events", "not an id").await;
    system.publish("events-dead-letter", "0199c0de-0000-7000-8000-000000000001").await;
    system.until_number("SELECT count(*) FROM unreadable", 2).await;
}

/// The counts of admin equal the rows in the database.
async fn books(system: &System) {
    let (_, metrics) = system.call(Method::GET, Part::Admin, "/admin/metrics", None).await;
    let summary = &metrics["summary"];
    assert_eq!(summary["total"], system.number("SELECT count(*) FROM events").await, "{metrics}");
    assert_eq!(summary["deadLetter"], 2, "{metrics}");
    let kinds = ["pending", "processing", "processed", "failed", "deadLetter"];
    let sum: i64 = kinds.iter().map(|kind| summary[kind].as_i64().unwrap()).sum();
    assert_eq!(summary["total"], sum, "{metrics}");
}
