//! Tests of the publisher against a server with Pub/Sub's gRPC API that can be slow, be silent or return errors.
#![allow(clippy::unwrap_used)]

mod proxy;

use std::time::{Duration, Instant};

use futures::future::join_all;
use gcp::testing::{Behaviour, PubSub};
use gcp::{Message, PublishError, Publisher, PublisherConfig};
use proxy::Proxy;

const TIMEOUT: Duration = Duration::from_millis(600);

async fn publisher(host: String) -> Publisher {
    let config = PublisherConfig {
        project: "eventflow-local".into(),
        topic: "events".into(),
        emulator_host: Some(host),
        credentials_file: None,
        timeout: TIMEOUT,
    };
    Publisher::connect(config).await.unwrap()
}

fn messages(ids: impl IntoIterator<Item = usize>) -> Vec<Message> {
    let message =
        |id| Message { event_id: format!("event-{id}"), event_type: "user.signup".into(), traceparent: None };
    ids.into_iter().map(message).collect()
}

async fn unused_host() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().to_string()
}

#[tokio::test]
async fn the_event_id_is_the_data_and_the_rest_are_attributes() {
    let server = PubSub::start().await;
    let publisher = publisher(server.host()).await;
    let message = Message {
        event_id: "0198f2c4".into(),
        event_type: "user.signup".into(),
        traceparent: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".into()),
    };
    let results = publisher.publish(vec![message]).await;
    assert!(matches!(results[..], [Ok(())]), "{results:?}");

    let received = server.received();
    let [received] = received.as_slice() else {
        panic!("one message, not {received:?}");
    };
    assert_eq!(received.topic, "projects/eventflow-local/topics/events");
    assert_eq!(received.data, "0198f2c4");
    assert_eq!(received.attributes["eventType"], "user.signup");
    assert_eq!(received.attributes["traceparent"], "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
}

#[tokio::test]
async fn no_traceparent_is_no_attribute() {
    let server = PubSub::start().await;
    publisher(server.host()).await.publish(messages([1])).await;
    assert_eq!(server.received()[0].attributes.len(), 1);
}

#[tokio::test]
async fn a_batch_beyond_the_clients_own_batches_is_confirmed_whole() {
    let server = PubSub::start().await;
    let results = publisher(server.host()).await.publish(messages(0..250)).await;
    assert_eq!(results.len(), 250);
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(server.received().len(), 250);
}

#[tokio::test]
async fn an_empty_batch_is_nothing() {
    let publisher = publisher(unused_host().await).await;
    assert!(publisher.publish(Vec::new()).await.is_empty());
}

#[tokio::test]
async fn a_lone_message_does_not_wait_for_company() {
    let server = PubSub::start().await;
    let publisher = publisher(server.host()).await;
    publisher.publish(messages([0])).await;

    let mut quickest = Duration::MAX;
    for id in 1..20 {
        let start = Instant::now();
        publisher.publish(messages([id])).await;
        quickest = quickest.min(start.elapsed());
    }
    assert!(quickest < Duration::from_millis(8), "{quickest:?}");
}

/// If the flushes ran one after the other, they would take 40 round trips here, 2 s, and most would time out.
#[tokio::test]
async fn publishers_at_the_same_time_share_round_trips() {
    let server = PubSub::start().await;
    server.behave(Behaviour::Slow(Duration::from_millis(50)));
    let publisher = publisher(server.host()).await;
    let one = |id| {
        let publisher = publisher.clone();
        async move {
            tokio::time::sleep(Duration::from_millis(u64::try_from(id).unwrap())).await;
            publisher.publish(messages([id])).await
        }
    };
    let results = join_all((0..40).map(one)).await.concat();
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    assert!(server.calls() <= 10, "{} calls", server.calls());
}

#[tokio::test]
async fn a_refusal_comes_with_its_reason() {
    let server = PubSub::start().await;
    server.behave(Behaviour::Fail(tonic::Code::NotFound, "Topic not found"));
    let results = publisher(server.host()).await.publish(messages([1, 2])).await;
    assert_eq!(results.len(), 2);
    for result in results {
        let Err(PublishError::Failed(reason)) = result else {
            panic!("{result:?}");
        };
        assert!(reason.contains("Topic not found"), "{reason}");
    }
}

#[tokio::test]
async fn what_passes_within_the_bound_is_tried_again() {
    let server = PubSub::start().await;
    server.behave(Behaviour::FailOnce(tonic::Code::Unavailable));
    let results = publisher(server.host()).await.publish(messages([1])).await;
    assert!(matches!(results[..], [Ok(())]), "{results:?}");
}

#[tokio::test]
async fn a_silent_server_costs_the_bound_and_then_nothing() {
    let server = PubSub::start().await;
    server.behave(Behaviour::Slow(Duration::from_mins(10)));
    let publisher = publisher(server.host()).await;
    fails_within_the_bound_then_at_once(&publisher).await;

    server.behave(Behaviour::Confirm);
    recovers(&publisher).await;
}

#[tokio::test]
async fn a_server_that_is_away_costs_the_bound_and_then_nothing() {
    let host = unused_host().await;
    let publisher = publisher(host.clone()).await;
    fails_within_the_bound_then_at_once(&publisher).await;

    let _server = PubSub::start_at(&host).await;
    recovers(&publisher).await;
}

/// A socket without a peer is open on this side until TCP gives up on it, a quarter of an hour later.
#[tokio::test]
async fn a_connection_that_died_in_silence_is_given_up() {
    let server = PubSub::start().await;
    let proxy = Proxy::start(server.host()).await;
    let publisher = publisher(proxy.host()).await;
    assert!(publisher.publish(messages([0])).await[0].is_ok());

    proxy.swallow_what_is_open();
    fails_within_the_bound_then_at_once(&publisher).await;
    recovers(&publisher).await;
}

async fn fails_within_the_bound_then_at_once(publisher: &Publisher) {
    for _ in 0..3 {
        let start = Instant::now();
        let results = publisher.publish(messages([1, 2])).await;
        assert_eq!(results.len(), 2);
        assert!(
            results
                .iter()
                .all(|result| matches!(result, Err(PublishError::TimedOut | PublishError::Failed(_)))),
            "{results:?}"
        );
        assert!(start.elapsed() < TIMEOUT + Duration::from_millis(900));
    }
    let start = Instant::now();
    let results = publisher.publish(messages([3, 4])).await;
    assert!(matches!(results[..], [Err(PublishError::Open), Err(PublishError::Open)]), "{results:?}");
    assert!(start.elapsed() < TIMEOUT / 2);
}

async fn recovers(publisher: &Publisher) {
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        if publisher.publish(messages([5])).await[0].is_ok() {
            return;
        }
    }
    panic!("publishing never worked again");
}

#[tokio::test]
async fn missing_credentials_are_an_error_of_the_publish_that_says_so() {
    let config = PublisherConfig {
        project: "p".into(),
        topic: "t".into(),
        emulator_host: None,
        credentials_file: Some("/nowhere/key.json".into()),
        timeout: TIMEOUT,
    };
    let publisher = Publisher::connect(config).await.unwrap();
    let results = publisher.publish(messages([1])).await;
    let Err(error) = &results[0] else {
        panic!("{results:?}");
    };
    let text = error.to_string();
    assert!(text.contains("/nowhere/key.json"), "{text}");
    assert!(text.contains("GOOGLE_APPLICATION_CREDENTIALS"), "{text}");
}
