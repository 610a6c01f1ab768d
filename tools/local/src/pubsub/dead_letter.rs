use chrono::SecondsFormat;

use super::{backlog::Delivery, envelope::published_at, proto::PubsubMessage};

/// The message for a dead-letter topic: the original message, with its source in attributes.
pub(super) fn message(subscription: &str, delivery: &Delivery) -> PubsubMessage {
    let mut name = subscription.split('/').skip(1).step_by(2);
    let (project, id) = (name.next().unwrap_or_default(), name.next().unwrap_or_default());
    let published = published_at(&delivery.message);
    let mut message = (*delivery.message).clone();
    message.attributes.extend(
        [
            ("DeliveryCount", delivery.attempt.to_string()),
            ("Subscription", id.to_owned()),
            ("SubscriptionProject", project.to_owned()),
            ("TopicPublishTime", published.to_rfc3339_opts(SecondsFormat::Millis, false)),
        ]
        .map(|(name, value)| (format!("CloudPubSubDeadLetterSource{name}"), value)),
    );
    message
}
