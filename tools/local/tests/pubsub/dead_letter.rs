use std::time::Duration;

use google_cloud_pubsub::model::Message;
use googleapis_tonic_google_pubsub_v1::google::pubsub::v1::{
    DeadLetterPolicy, DeleteTopicRequest, Subscription,
};
use serde_json::json;

use crate::{
    receiver::Receiver,
    stand_in::{StandIn, TOPIC, push_to, retry_after},
};

const DEAD_LETTER_TOPIC: &str = "projects/test/topics/dead-letter";

fn dying(endpoint: &str) -> Subscription {
    Subscription {
        dead_letter_policy: Some(DeadLetterPolicy {
            dead_letter_topic: DEAD_LETTER_TOPIC.to_owned(),
            max_delivery_attempts: 5,
        }),
        retry_policy: Some(retry_after(Duration::from_millis(10), Duration::from_millis(20))),
        ..push_to(endpoint)
    }
}

fn undertaker(endpoint: &str) -> Subscription {
    Subscription {
        name: "projects/test/subscriptions/undertaker".to_owned(),
        topic: DEAD_LETTER_TOPIC.to_owned(),
        ..push_to(endpoint)
    }
}

#[tokio::test]
async fn the_last_attempt_moves_a_message_to_the_dead_letter_topic() {
    let stand_in = StandIn::start_with("http://127.0.0.1:9", 50).await;
    stand_in.create_topic(DEAD_LETTER_TOPIC).await;
    let mut receiver = Receiver::start(|_| Some(503)).await;
    let mut dead = Receiver::acking().await;
    stand_in.subscribe(dying(&receiver.endpoint)).await;
    stand_in.subscribe(undertaker(&dead.endpoint)).await;

    let message = Message::new().set_data("poison").set_attributes([("type", "demo.poison")]);
    let id = stand_in.try_publish(message).await.unwrap();

    let pushes = receiver.take(5).await;
    let attempts: Vec<_> = pushes.iter().map(|push| push.attempt().clone()).collect();
    assert_eq!(attempts, [1, 2, 3, 4, 5]);

    let push = dead.next().await;
    let published = pushes[0].body["message"]["publishTime"].as_str().unwrap();
    let expected = json!({
        "type": "demo.poison",
        "CloudPubSubDeadLetterSourceDeliveryCount": "5",
        "CloudPubSubDeadLetterSourceSubscription": "worker",
        "CloudPubSubDeadLetterSourceSubscriptionProject": "test",
        "CloudPubSubDeadLetterSourceTopicPublishTime": published.replace('Z', "+00:00"),
    });
    assert_eq!(push.body["message"]["attributes"], expected);
    assert_eq!(push.body["message"]["data"], pushes[0].body["message"]["data"]);
    assert_ne!(push.id(), id);
    assert!(push.attempt().is_null());

    let stats = stand_in.stats_when(|stats| stats["acked"] == 1).await;
    let counts = ["nacked", "deadLettered", "published", "waiting", "outstanding"].map(|name| &stats[name]);
    assert_eq!(counts, [5, 1, 2, 0, 0]);
    assert!(receiver.is_quiet(Duration::from_millis(200)).await);
}

#[tokio::test]
async fn without_its_dead_letter_topic_a_message_is_not_lost() {
    let stand_in = StandIn::start_with("http://127.0.0.1:9", 50).await;
    stand_in.create_topic(DEAD_LETTER_TOPIC).await;
    let mut receiver = Receiver::start(|nth| Some(if nth < 7 { 500 } else { 200 })).await;
    stand_in.subscribe(dying(&receiver.endpoint)).await;
    let topic = DEAD_LETTER_TOPIC.to_owned();
    stand_in.topics().delete_topic(DeleteTopicRequest { topic }).await.unwrap();

    stand_in.publish("stubborn").await;

    receiver.take(8).await;
    let stats = stand_in.stats_when(|stats| stats["acked"] == 1).await;
    assert_eq!(stats["deadLettered"], 0);
    assert_eq!(stats["topics"], json!([TOPIC]));
}
