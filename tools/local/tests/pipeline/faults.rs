//! Lost publishes, dead workers, and a Pub/Sub that goes away.

use std::time::Duration;

use local::stack::Part;
use serde_json::json;

use crate::system::System;

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_published_the_relay_publishes() {
    let system = System::start(&[]).await;
    system.faults(Part::Pubsub, &json!({"refusePublish":1.0})).await;
    let refused = system.post("user.signup", json!({})).await;
    assert_eq!(system.event(&refused).await["status"], "PENDING");
    system.faults(Part::Pubsub, &json!({})).await;
    system.until(&refused, "PROCESSED").await;

    system.stack.take_away(Part::Pubsub).await.unwrap();
    let away = system.post("demo.ledger", json!({"weight":1})).await;
    assert_eq!(system.event(&away).await["status"], "PENDING");
    system.stack.restart(Part::Pubsub).await.unwrap();
    system.until(&away, "PROCESSED").await;
    assert_eq!(system.number("SELECT count(*) FROM demo_ledger").await, 1);

    system.faults(Part::Pubsub, &json!({"drop":1.0})).await;
    let dropped = system.post("user.signup", json!({})).await;
    system.faults(Part::Pubsub, &json!({"duplicate":1.0})).await;
    let event = system.until(&dropped, "PROCESSED").await;
    assert_eq!(event["attempts"], json!([]), "{event}");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_dies_costs_no_try() {
    let system = System::start(&[]).await;
    let id = system.post("demo.flaky", json!({"sleepMs":1500})).await;
    system.until(&id, "PROCESSING").await;
    system.stack.kill(Part::ProcessPush).await.unwrap();
    let event = system.until(&id, "PROCESSED").await;
    assert_eq!(
        (&event["retryCount"], &event["attempts"][0]["ended"]),
        (&json!(0), &json!("LOST")),
        "{event}"
    );
    system.stop().await;
}

/// The poison event kills its process at once, and the other events take longer than that, so only the poison event
/// can be the cause.
#[tokio::test(flavor = "multi_thread")]
async fn a_poison_that_kills_its_process_ends_and_no_innocent_beside_it_does() {
    let system = System::start(&[("MAX_LOST_ATTEMPTS", "3")]).await;
    let mut innocents = Vec::new();
    for _ in 0..5 {
        innocents.push(system.post("demo.flaky", json!({"sleepMs":800})).await);
    }
    let poison = system.post("demo.flaky", json!({"kill":true})).await;
    let event = system.until(&poison, "DEAD_LETTER").await;
    let why = "3 attempts were lost that ran alone in their process, so this event ends the process";
    assert_eq!(event["failureReason"], why, "{event}");
    for id in &innocents {
        system.until(id, "PROCESSED").await;
    }
    system.stop().await;
}

/// The handler is under way when the process is stopped, and takes longer than the drain waits.
#[tokio::test(flavor = "multi_thread")]
async fn a_deploy_over_a_long_handler_costs_no_try() {
    let numbers = [
        ("HANDLER_LIMIT_SECONDS", "20"),
        ("LEASE_SECONDS", "25"),
        ("ACK_DEADLINE_SECONDS", "30"),
        ("FIRST_DUE_SECONDS", "26"),
        ("DUE_STEP_SECONDS", "41"),
    ];
    let system = System::start(&numbers).await;
    let id = system.post("demo.flaky", json!({"sleepMs":8000})).await;
    system.until(&id, "PROCESSING").await;
    system.stack.restart(Part::ProcessPush).await.unwrap();
    tokio::time::timeout(Duration::from_secs(30), system.until(&id, "PROCESSED")).await.unwrap();
    let event = system.event(&id).await;
    assert_eq!(
        (&event["retryCount"], &event["attempts"][0]["ended"]),
        (&json!(0), &json!("RELEASED")),
        "{event}"
    );
    system.stop().await;
}
