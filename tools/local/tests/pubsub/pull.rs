use googleapis_tonic_google_pubsub_v1::google::pubsub::v1::{
    AcknowledgeRequest, DeadLetterPolicy, ModifyAckDeadlineRequest, PullRequest, ReceivedMessage,
    StreamingPullRequest, Subscription,
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;

use crate::stand_in::{SUBSCRIPTION, StandIn, TOPIC, push_to, subscription};

pub async fn pull(stand_in: &StandIn, max_messages: i32) -> Result<Vec<ReceivedMessage>, tonic::Status> {
    let subscription = SUBSCRIPTION.to_owned();
    let request = PullRequest { subscription, max_messages, ..Default::default() };
    Ok(stand_in.subscriptions().pull(request).await?.into_inner().received_messages)
}

#[tokio::test]
async fn a_pulled_message_is_acked_or_comes_again() {
    let stand_in = StandIn::start().await;
    stand_in.subscribe(subscription()).await;
    let id = stand_in.publish("pulled").await;
    let subscription = || SUBSCRIPTION.to_owned();

    let first = pull(&stand_in, 10).await.unwrap();
    let ack_ids = vec![first[0].ack_id.clone()];
    let nack = ModifyAckDeadlineRequest { subscription: subscription(), ack_ids, ack_deadline_seconds: 0 };
    stand_in.subscriptions().modify_ack_deadline(nack).await.unwrap();

    let second = pull(&stand_in, 10).await.unwrap();
    assert_eq!(second[0].message.as_ref().unwrap().message_id, id);
    assert_ne!(second[0].ack_id, first[0].ack_id);
    let ack = AcknowledgeRequest { subscription: subscription(), ack_ids: vec![second[0].ack_id.clone()] };
    stand_in.subscriptions().acknowledge(ack).await.unwrap();

    let stats = stand_in.stats().await;
    assert_eq!(["acked", "nacked", "waiting", "outstanding"].map(|name| &stats[name]), [1, 1, 0, 0]);
}

#[tokio::test]
async fn a_push_subscription_cannot_be_pulled_from() {
    let stand_in = StandIn::start().await;
    stand_in.subscribe(push_to("http://127.0.0.1:9/")).await;
    assert_eq!(pull(&stand_in, 1).await.unwrap_err().code(), Code::FailedPrecondition);
}

#[tokio::test]
async fn googles_subscriber_streams() {
    let stand_in = StandIn::start().await;
    // With a dead-letter policy the attempts are sent. Its topic can be any topic.
    let policy = DeadLetterPolicy { dead_letter_topic: TOPIC.to_owned(), max_delivery_attempts: 5 };
    stand_in.subscribe(Subscription { dead_letter_policy: Some(policy), ..subscription() }).await;
    let id = stand_in.publish("streamed").await;

    let mut stream = stand_in.subscriber().await.subscribe(SUBSCRIPTION).build();
    let (message, handler) = stream.next().await.unwrap().unwrap();
    assert_eq!((message.message_id.as_str(), handler.delivery_attempt()), (id.as_str(), Some(1)));
    handler.nack();
    let (message, handler) = stream.next().await.unwrap().unwrap();
    assert_eq!((message.message_id.as_str(), handler.delivery_attempt()), (id.as_str(), Some(2)));
    handler.ack();

    let stats = stand_in.stats_when(|stats| stats["acked"] == 1).await;
    assert_eq!(stats["nacked"], 1);
}

#[tokio::test]
async fn a_stream_settles_what_it_has_received() {
    let stand_in = StandIn::start().await;
    stand_in.subscribe(subscription()).await;
    stand_in.publish("streamed").await;
    let (requests, outbound) = tokio::sync::mpsc::channel(2);
    let first = StreamingPullRequest { subscription: SUBSCRIPTION.to_owned(), ..Default::default() };
    requests.send(first).await.unwrap();
    let mut client = stand_in.subscriptions();
    let mut stream = client.streaming_pull(ReceiverStream::new(outbound)).await.unwrap().into_inner();

    let received = stream.message().await.unwrap().unwrap().received_messages;
    let nack = StreamingPullRequest {
        modify_deadline_ack_ids: vec![received[0].ack_id.clone()],
        modify_deadline_seconds: vec![0],
        ..Default::default()
    };
    requests.send(nack).await.unwrap();
    let again = stream.message().await.unwrap().unwrap().received_messages;
    let ack = StreamingPullRequest { ack_ids: vec![again[0].ack_id.clone()], ..Default::default() };
    requests.send(ack).await.unwrap();

    let stats = stand_in.stats_when(|stats| stats["acked"] == 1).await;
    assert_eq!(stats["nacked"], 1);
    drop(requests);
    assert!(stream.message().await.unwrap().is_none());
}
