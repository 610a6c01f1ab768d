use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use google_cloud_gax::error::rpc::Code;
use google_cloud_pubsub::{error::PublishError, model::Message};
use http::StatusCode;
use serde_json::{Value, json};

use crate::{
    receiver::Receiver,
    stand_in::{StandIn, push_to},
};

async fn faulty(faults: Value) -> (StandIn, Receiver) {
    let stand_in = StandIn::start().await;
    let receiver = Receiver::acking().await;
    stand_in.subscribe(push_to(&receiver.endpoint)).await;
    assert_eq!(stand_in.set_faults(faults).await.status(), StatusCode::OK);
    (stand_in, receiver)
}

#[tokio::test]
async fn duplicate_delivers_twice() {
    let (stand_in, mut receiver) = faulty(json!({"duplicate": 1})).await;
    let id = stand_in.publish("twice").await;
    assert!(receiver.take(2).await.iter().all(|push| push.id() == id));
    assert!(receiver.is_quiet(Duration::from_millis(200)).await);
}

#[tokio::test]
async fn drop_accepts_and_never_delivers() {
    let (stand_in, mut receiver) = faulty(json!({"drop": 1})).await;
    stand_in.publish("lost").await;
    assert!(receiver.is_quiet(Duration::from_millis(300)).await);
    let stats = stand_in.stats().await;
    assert_eq!(["published", "pushed", "waiting"].map(|name| &stats[name]), [1, 0, 0]);

    stand_in.set_faults(json!({})).await;
    let id = stand_in.publish("arrives").await;
    assert_eq!(receiver.next().await.id(), id);
}

#[tokio::test]
async fn a_delay_holds_back() {
    let (stand_in, mut receiver) = faulty(json!({"delayMs": [500, 600]})).await;
    let published = Instant::now();
    stand_in.publish("late").await;
    let delay = (receiver.next().await.at - published).as_millis();
    assert!((500..2_000).contains(&delay), "{delay}");
}

#[tokio::test]
async fn reorder_lets_others_pass() {
    let (stand_in, mut receiver) = faulty(json!({"reorder": 1})).await;
    let first = stand_in.publish("first").await;
    stand_in.set_faults(json!({})).await;
    let second = stand_in.publish("second").await;
    let order: Vec<_> = receiver.take(2).await.iter().map(|push| push.id().to_owned()).collect();
    assert_eq!(order, [second, first]);
}

#[tokio::test]
async fn refuse_publish_answers_unavailable_and_keeps_nothing() {
    let (stand_in, mut receiver) = faulty(json!({"refusePublish": 1})).await;
    let refused = stand_in.try_publish(Message::new().set_data("refused")).await;
    let Err(PublishError::Rpc(error)) = refused else { panic!("{refused:?}") };
    assert_eq!(error.status().unwrap().code, Code::Unavailable);
    assert_eq!(stand_in.stats().await["published"], 0);
    assert!(receiver.is_quiet(Duration::from_millis(200)).await);
}

#[tokio::test]
async fn odds_are_odds() {
    let (stand_in, _receiver) = faulty(json!({"refusePublish": 0.5, "seed": 7})).await;
    let mut answers = HashSet::new();
    for n in 0..40 {
        answers.insert(stand_in.try_publish(Message::new().set_data(n.to_string())).await.is_ok());
    }
    assert_eq!(answers.len(), 2);
}

#[tokio::test]
async fn wrong_input_is_told_by_its_field() {
    let (stand_in, _receiver) = faulty(json!({"seed": 7})).await;
    for (faults, field) in [
        (json!({"duplicate": 1.5}), "duplicate"),
        (json!({"drop": "often"}), "drop"),
        (json!({"delayMs": [5]}), "delayMs"),
        (json!({"delayMs": [500, 100]}), "delayMs"),
        (json!({"reorder": -0.1}), "reorder"),
        (json!({"seed": -1}), "seed"),
        (json!({"explode": 1}), "explode"),
    ] {
        let answer = stand_in.set_faults(faults).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        let problem: Value = answer.json().await.unwrap();
        assert!(problem["detail"].as_str().unwrap().contains(field), "{problem}");
    }
    let unchanged: Value = stand_in.faults().await;
    let expected = json!({
        "duplicate": 0.0, "drop": 0.0, "delayMs": [0, 0], "reorder": 0.0, "refusePublish": 0.0, "seed": 7
    });
    assert_eq!(unchanged, expected);
}
