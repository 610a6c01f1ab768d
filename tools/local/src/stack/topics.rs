use std::{collections::HashMap, time::Duration};

use googleapis_tonic_google_pubsub_v1::google::pubsub::v1::{
    DeadLetterPolicy, PushConfig, RetryPolicy, Subscription, Topic,
    publisher_client::PublisherClient,
    push_config::{AuthenticationMethod, OidcToken},
    subscriber_client::SubscriberClient,
};
use tonic::{Code, Status, transport::Channel};

use super::{Part, Settings};
use crate::Error;

/// Creates both topics and their push subscriptions, as Terraform does in the cloud. `push` is the address of
/// process-push.
pub(super) async fn create(settings: &Settings, push: &str) -> Result<(), Error> {
    let port = settings.ports.of(Part::Pubsub);
    let channel = Channel::from_shared(format!("http://127.0.0.1:{port}"))?
        .timeout(Duration::from_secs(10))
        .connect()
        .await?;
    let mut publisher = PublisherClient::new(channel.clone());
    for name in [settings.topic.clone(), settings.dead_letter_topic()] {
        let topic = Topic { name: topic(settings, &name), ..Topic::default() };
        unless_there(publisher.create_topic(topic).await)?;
    }
    let mut subscriber = SubscriberClient::new(channel);
    for subscription in [worker(settings, push), dead_letter_worker(settings, push)] {
        unless_there(subscriber.create_subscription(subscription).await)?;
    }
    Ok(())
}

fn unless_there<T>(outcome: Result<T, Status>) -> Result<(), Status> {
    match outcome {
        Err(status) if status.code() != Code::AlreadyExists => Err(status),
        _ => Ok(()),
    }
}

fn worker(settings: &Settings, push: &str) -> Subscription {
    let policy = DeadLetterPolicy {
        dead_letter_topic: topic(settings, &settings.dead_letter_topic()),
        // Pub/Sub's own count is approximate and includes outages, so the count of EventFlow has to be used up first.
        max_delivery_attempts: i32::try_from(settings.max_retries + 2).unwrap_or(100).clamp(5, 100),
    };
    Subscription {
        dead_letter_policy: Some(policy),
        ..subscription(settings, &settings.subscription, &settings.topic, format!("{push}/push"))
    }
}

fn dead_letter_worker(settings: &Settings, push: &str) -> Subscription {
    subscription(
        settings,
        &settings.dead_letter_subscription(),
        &settings.dead_letter_topic(),
        format!("{push}/dead-letter"),
    )
}

fn subscription(settings: &Settings, name: &str, from: &str, endpoint: String) -> Subscription {
    let token = OidcToken {
        service_account_email: settings.account("pusher"),
        audience: settings.url(Part::ProcessPush),
    };
    Subscription {
        name: format!("projects/{}/subscriptions/{name}", settings.project),
        topic: topic(settings, from),
        ack_deadline_seconds: settings.ack_deadline_seconds.cast_signed(),
        push_config: Some(PushConfig {
            push_endpoint: endpoint,
            attributes: HashMap::new(),
            authentication_method: Some(AuthenticationMethod::OidcToken(token)),
            ..PushConfig::default()
        }),
        retry_policy: Some(RetryPolicy {
            minimum_backoff: Some(seconds(settings.retry_min_seconds)),
            maximum_backoff: Some(seconds(settings.retry_max_seconds)),
        }),
        ..Subscription::default()
    }
}

fn topic(settings: &Settings, name: &str) -> String {
    format!("projects/{}/topics/{name}", settings.project)
}

fn seconds(count: u32) -> prost_types::Duration {
    prost_types::Duration { seconds: count.into(), nanos: 0 }
}
