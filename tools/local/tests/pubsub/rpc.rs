use std::time::Duration;

use googleapis_tonic_google_pubsub_v1::google::pubsub::v1::{
    DeadLetterPolicy, DeleteSubscriptionRequest, DeleteTopicRequest, GetSubscriptionRequest, GetTopicRequest,
    ListSubscriptionsRequest, ListTopicSubscriptionsRequest, ListTopicsRequest, PublishRequest,
    PubsubMessage, Subscription, Topic, UpdateSubscriptionRequest, UpdateTopicRequest,
};
use tonic::Code;

use crate::pull::pull;
use crate::stand_in::{SUBSCRIPTION, StandIn, TOPIC, push_to, retry_after, subscription};

fn topic(name: &str) -> Topic {
    Topic { name: name.to_owned(), ..Default::default() }
}

fn text(data: &str) -> PubsubMessage {
    PubsubMessage { data: data.into(), ..Default::default() }
}

fn publish(topic: &str, messages: Vec<PubsubMessage>) -> PublishRequest {
    PublishRequest { topic: topic.to_owned(), messages }
}

fn get(name: &str) -> GetSubscriptionRequest {
    GetSubscriptionRequest { subscription: name.to_owned() }
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let stand_in = StandIn::start().await;
    let (mut topics, mut subscriptions) = (stand_in.topics(), stand_in.subscriptions());
    let missing = || "projects/test/topics/missing".to_owned();
    let errors = [
        topics.get_topic(GetTopicRequest { topic: missing() }).await.unwrap_err(),
        topics.delete_topic(DeleteTopicRequest { topic: missing() }).await.unwrap_err(),
        topics.publish(publish(&missing(), vec![text("x")])).await.unwrap_err(),
        subscriptions.get_subscription(get("missing")).await.unwrap_err(),
        subscriptions
            .delete_subscription(DeleteSubscriptionRequest { subscription: missing() })
            .await
            .unwrap_err(),
        subscriptions
            .create_subscription(Subscription { topic: missing(), ..subscription() })
            .await
            .unwrap_err(),
        subscriptions.create_subscription(dead_lettering(&missing())).await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.code(), Code::NotFound);
        assert_eq!(error.message(), "Resource not found (resource=missing).");
    }
}

fn dead_lettering(topic: &str) -> Subscription {
    let policy = DeadLetterPolicy { dead_letter_topic: topic.to_owned(), max_delivery_attempts: 5 };
    Subscription { dead_letter_policy: Some(policy), ..subscription() }
}

#[tokio::test]
async fn what_is_there_already_exists() {
    let stand_in = StandIn::start().await;
    stand_in.subscribe(subscription()).await;
    let again = stand_in.topics().create_topic(topic(TOPIC)).await.unwrap_err();
    assert_eq!(again.code(), Code::AlreadyExists);
    let again = stand_in.subscriptions().create_subscription(subscription()).await.unwrap_err();
    assert_eq!(again.code(), Code::AlreadyExists);
}

#[tokio::test]
async fn what_breaks_a_limit_is_an_invalid_argument() {
    let stand_in = StandIn::start().await;
    let (mut topics, mut subscriptions) = (stand_in.topics(), stand_in.subscriptions());
    let errors = [
        topics.create_topic(topic("events")).await.unwrap_err(),
        topics.publish(publish(TOPIC, vec![])).await.unwrap_err(),
        topics.publish(publish(TOPIC, vec![text("")])).await.unwrap_err(),
        topics.publish(publish(TOPIC, vec![text(&"x".repeat(10_000_001))])).await.unwrap_err(),
        subscriptions
            .create_subscription(Subscription { ack_deadline_seconds: 5, ..subscription() })
            .await
            .unwrap_err(),
        subscriptions.create_subscription(push_to("not a url")).await.unwrap_err(),
        pull(&stand_in, 0).await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.code(), Code::InvalidArgument, "{error}");
    }
}

#[tokio::test]
async fn a_method_that_is_not_there_is_unimplemented() {
    let stand_in = StandIn::start().await;
    let error = stand_in.topics().update_topic(UpdateTopicRequest::default()).await.unwrap_err();
    assert_eq!(error.code(), Code::Unimplemented);
}

#[tokio::test]
async fn lists_come_in_pages_and_by_project() {
    let stand_in = StandIn::start().await;
    stand_in.create_topic("projects/test/topics/another").await;
    stand_in.create_topic("projects/elsewhere/topics/events").await;
    stand_in.subscribe(subscription()).await;

    let mut request =
        ListTopicsRequest { project: "projects/test".to_owned(), page_size: 1, ..Default::default() };
    let first = stand_in.topics().list_topics(request.clone()).await.unwrap().into_inner();
    assert_eq!(first.topics, [topic("projects/test/topics/another")]);
    request.page_token = first.next_page_token;
    let second = stand_in.topics().list_topics(request).await.unwrap().into_inner();
    assert_eq!((second.topics, second.next_page_token.as_str()), (vec![topic(TOPIC)], ""));

    let of_topic = ListTopicSubscriptionsRequest { topic: TOPIC.to_owned(), ..Default::default() };
    let of_topic = stand_in.topics().list_topic_subscriptions(of_topic).await.unwrap().into_inner();
    assert_eq!(of_topic.subscriptions, [SUBSCRIPTION]);
    let project = ListSubscriptionsRequest { project: "projects/elsewhere".to_owned(), ..Default::default() };
    let elsewhere = stand_in.subscriptions().list_subscriptions(project).await.unwrap().into_inner();
    assert!(elsewhere.subscriptions.is_empty());
}

#[tokio::test]
async fn an_update_changes_what_its_mask_names() {
    let stand_in = StandIn::start().await;
    stand_in.subscribe(subscription()).await;
    let retry_policy = Some(retry_after(Duration::from_secs(1), Duration::from_secs(9)));
    let update = |paths: &[&str]| UpdateSubscriptionRequest {
        subscription: Some(Subscription {
            ack_deadline_seconds: 30,
            retry_policy,
            ..push_to("http://127.0.0.1:9/")
        }),
        update_mask: Some(prost_types::FieldMask {
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        }),
    };
    stand_in.subscriptions().update_subscription(update(&["retry_policy"])).await.unwrap();
    let stored = stand_in.subscriptions().get_subscription(get(SUBSCRIPTION)).await.unwrap().into_inner();
    assert_eq!(stored, Subscription { ack_deadline_seconds: 10, retry_policy, ..subscription() });

    for paths in [&["topic"][..], &[]] {
        let error = stand_in.subscriptions().update_subscription(update(paths)).await.unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument);
    }
}

#[tokio::test]
async fn a_deleted_topic_leaves_its_subscriptions_behind() {
    let stand_in = StandIn::start().await;
    stand_in.subscribe(subscription()).await;
    stand_in.publish("left").await;
    stand_in.topics().delete_topic(DeleteTopicRequest { topic: TOPIC.to_owned() }).await.unwrap();
    let stored = stand_in.subscriptions().get_subscription(get(SUBSCRIPTION)).await.unwrap().into_inner();
    assert_eq!(stored.topic, "_deleted-topic_");
    assert_eq!(pull(&stand_in, 1).await.unwrap().len(), 1);
}

#[tokio::test]
async fn another_protocol_is_told_so() {
    let stand_in = StandIn::start().await;
    let answer = stand_in.get("/v1/projects/test/topics/events").await;
    assert_eq!(answer.status(), 404);
    let problem: serde_json::Value = answer.json().await.unwrap();
    assert!(problem["detail"].as_str().unwrap().contains("gRPC"), "{problem}");
}
