use std::{collections::HashSet, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use chrono::{DateTime, Utc};
use google_cloud_pubsub::model::Message;
use googleapis_tonic_google_pubsub_v1::google::pubsub::v1::{ModifyPushConfigRequest, Subscription};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use serde_json::json;

use crate::{
    receiver::Receiver,
    stand_in::{SUBSCRIPTION, StandIn, push_to, retry_after},
};

#[tokio::test]
async fn a_message_is_pushed_as_it_was_published() {
    let stand_in = StandIn::start().await;
    let mut receiver = Receiver::acking().await;
    stand_in.subscribe(push_to(&receiver.endpoint)).await;

    let message = Message::new().set_data("an event ID").set_attributes([("type", "user.signup")]);
    let id = stand_in.try_publish(message).await.unwrap();

    let push = receiver.next().await;
    let message = &push.body["message"];
    let published: DateTime<Utc> = message["publishTime"].as_str().unwrap().parse().unwrap();
    assert!((Utc::now() - published).abs() < chrono::Duration::seconds(5));
    let expected = json!({
        "message": {
            "attributes": {"type": "user.signup"},
            "data": BASE64_STANDARD.encode("an event ID"),
            "messageId": id,
            "message_id": id,
            "publishTime": message["publishTime"],
            "publish_time": message["publishTime"],
        },
        "subscription": SUBSCRIPTION,
    });
    assert_eq!(push.body, expected);
    assert_eq!(push.headers[CONTENT_TYPE], "application/json");
    assert!(!push.headers.contains_key(AUTHORIZATION));
    let stats = stand_in.stats_when(|stats| stats["acked"] == 1).await;
    assert_eq!(
        (&stats["published"], &stats["pushed"], &stats["nacked"], &stats["waiting"], &stats["outstanding"]),
        (&json!(1), &json!(1), &json!(0), &json!(0), &json!(0))
    );
}

#[tokio::test]
async fn a_refused_message_comes_again_after_a_backoff_that_doubles() {
    let stand_in = StandIn::start().await;
    let mut receiver = Receiver::start(|nth| Some([500, 203, 204][nth])).await;
    let policy = retry_after(Duration::from_millis(300), Duration::from_secs(10));
    stand_in.subscribe(Subscription { retry_policy: Some(policy), ..push_to(&receiver.endpoint) }).await;

    let id = stand_in.publish("retried").await;

    let pushes = receiver.take(3).await;
    assert!(pushes.iter().all(|push| push.id() == id && push.attempt().is_null()));
    let waits: Vec<_> = pushes.windows(2).map(|pair| pair[1].at - pair[0].at).collect();
    for (wait, least) in waits.iter().zip([300, 600]) {
        assert!((least..3_000).contains(&wait.as_millis()), "{waits:?}");
    }
    let stats = stand_in.stats_when(|stats| stats["acked"] == 1).await;
    assert_eq!(stats["nacked"], 2);
}

#[tokio::test]
async fn a_push_without_an_answer_comes_again_after_the_ack_deadline() {
    let stand_in = StandIn::start().await;
    let mut receiver = Receiver::start(|nth| if nth == 0 { None } else { Some(200) }).await;
    stand_in.subscribe(Subscription { ack_deadline_seconds: 10, ..push_to(&receiver.endpoint) }).await;

    stand_in.publish("slow").await;

    let pushes = receiver.take(2).await;
    let wait = pushes[1].at - pushes[0].at;
    assert!((9..12).contains(&wait.as_secs()), "{wait:?}");
    assert!(receiver.is_given_up().await);
    let stats = stand_in.stats_when(|stats| stats["acked"] == 1).await;
    assert_eq!(stats["nacked"], 1);
}

#[tokio::test]
async fn a_message_survives_an_endpoint_that_is_not_there() {
    let stand_in = StandIn::start().await;
    stand_in.subscribe(push_to("http://127.0.0.1:9/push")).await;
    stand_in.publish("patient").await;
    stand_in.stats_when(|stats| stats["nacked"].as_u64() >= Some(2)).await;

    let mut receiver = Receiver::acking().await;
    let request = ModifyPushConfigRequest {
        subscription: SUBSCRIPTION.to_owned(),
        push_config: push_to(&receiver.endpoint).push_config,
    };
    stand_in.subscriptions().modify_push_config(request).await.unwrap();

    receiver.next().await;
    stand_in.stats_when(|stats| stats["acked"] == 1).await;
}

#[tokio::test]
async fn every_subscription_gets_every_message_once() {
    const COUNT: usize = 3_000;
    let stand_in = StandIn::start().await;
    let (mut one, mut two) = (Receiver::acking().await, Receiver::acking().await);
    stand_in.subscribe(push_to(&one.endpoint)).await;
    stand_in.subscribe(Subscription { name: format!("{SUBSCRIPTION}-two"), ..push_to(&two.endpoint) }).await;

    let published = futures::future::join_all((0..COUNT).map(|n| stand_in.publish(n.to_string())));
    let published: HashSet<_> = published.await.into_iter().collect();

    for receiver in [&mut one, &mut two] {
        let pushed: HashSet<_> = receiver.take(COUNT).await.iter().map(|push| push.id().to_owned()).collect();
        assert_eq!(pushed, published);
    }
    let stats = stand_in.stats_when(|stats| stats["acked"] == 2 * COUNT).await;
    assert_eq!(stats["pushed"], 2 * COUNT);
    assert!(stats["subscriptions"][SUBSCRIPTION]["window"].as_u64() > Some(8));
}
