//! The topics and subscriptions, and the way of a message between them.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use chrono::SecondsFormat;
use serde::Serialize;
use tokio::task::AbortHandle;
use tonic::Status;

use super::{
    backlog::{Delivery, Lease},
    envelope,
    faults::{Dice, Faults},
    proto::{self, PubsubMessage},
    push::{self, Pusher},
    settings::Settings,
    subscription::{Nacked, Subscription},
};

pub(super) struct Broker {
    registry: RwLock<Registry>,
    ids: AtomicU64,
    max_backoff: Duration,
    pub(super) pusher: Pusher,
    pub(super) dice: Dice,
    pub(super) counters: Counters,
}

#[derive(Default)]
struct Registry {
    topics: BTreeMap<String, Topic>,
    subscriptions: BTreeMap<String, Registered>,
}

struct Topic {
    config: proto::Topic,
    subscriptions: Vec<Arc<Subscription>>,
}

struct Registered {
    subscription: Arc<Subscription>,
    delivery: AbortHandle,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Counters {
    pub(super) published: AtomicU64,
    pub(super) pushed: AtomicU64,
    pub(super) acked: AtomicU64,
    pub(super) nacked: AtomicU64,
    pub(super) dead_lettered: AtomicU64,
}

pub(super) fn count(counter: &AtomicU64, by: u64) {
    counter.fetch_add(by, Ordering::Relaxed);
}

impl Broker {
    pub(super) fn new(pusher: Pusher, max_backoff: Duration) -> Self {
        // IDs go on from the clock, so that those of a stand-in that was started again are new.
        let epoch = SystemTime::UNIX_EPOCH
            .elapsed()
            .unwrap_or_default()
            .as_micros();
        Self {
            registry: RwLock::default(),
            ids: AtomicU64::new(u64::try_from(epoch).unwrap_or_default()),
            max_backoff,
            pusher,
            dice: Dice::new(Faults::default()),
            counters: Counters::default(),
        }
    }

    pub(super) fn create_topic(&self, config: proto::Topic) -> Result<proto::Topic, Status> {
        let mut registry = self.write();
        if registry.topics.contains_key(&config.name) {
            return Err(exists(&config.name));
        }
        let topic = Topic {
            config: config.clone(),
            subscriptions: Vec::new(),
        };
        registry.topics.insert(config.name.clone(), topic);
        Ok(config)
    }

    pub(super) fn topic(&self, name: &str) -> Result<proto::Topic, Status> {
        self.read().topic(name).map(|topic| topic.config.clone())
    }

    pub(super) fn topics(&self) -> Vec<proto::Topic> {
        self.read()
            .topics
            .values()
            .map(|topic| topic.config.clone())
            .collect()
    }

    pub(super) fn subscriptions_of(&self, topic: &str) -> Result<Vec<Arc<Subscription>>, Status> {
        self.read()
            .topic(topic)
            .map(|topic| topic.subscriptions.clone())
    }

    /// The subscriptions stay, with what they hold.
    pub(super) fn delete_topic(&self, name: &str) -> Result<(), Status> {
        let topic = self
            .write()
            .topics
            .remove(name)
            .ok_or_else(|| unknown(name))?;
        for subscription in topic.subscriptions {
            subscription.lose_topic();
        }
        Ok(())
    }

    pub(super) fn create_subscription(
        self: &Arc<Self>,
        config: proto::Subscription,
    ) -> Result<proto::Subscription, Status> {
        let settings = Settings::check(&config)?;
        let mut registry = self.write();
        if registry.subscriptions.contains_key(&config.name) {
            return Err(exists(&config.name));
        }
        registry.check_dead_letter_topic(&settings)?;
        let first_lease = self.new_id();
        let topic = registry
            .topics
            .get_mut(&config.topic)
            .ok_or_else(|| unknown(&config.topic))?;
        let subscription =
            Subscription::new(config.clone(), settings, first_lease, self.max_backoff);
        let subscription = Arc::new(subscription);
        topic.subscriptions.push(subscription.clone());
        let delivery = tokio::spawn(push::run(self.clone(), subscription.clone())).abort_handle();
        registry.subscriptions.insert(
            config.name.clone(),
            Registered {
                subscription,
                delivery,
            },
        );
        Ok(config)
    }

    pub(super) fn subscription(&self, name: &str) -> Result<Arc<Subscription>, Status> {
        let registry = self.read();
        let registered = registry
            .subscriptions
            .get(name)
            .ok_or_else(|| unknown(name))?;
        Ok(registered.subscription.clone())
    }

    pub(super) fn subscriptions(&self) -> Vec<Arc<Subscription>> {
        let registry = self.read();
        registry
            .subscriptions
            .values()
            .map(|registered| registered.subscription.clone())
            .collect()
    }

    pub(super) fn configure(
        &self,
        subscription: &Subscription,
        config: proto::Subscription,
    ) -> Result<proto::Subscription, Status> {
        let settings = Settings::check(&config)?;
        self.read().check_dead_letter_topic(&settings)?;
        subscription.configure(config.clone(), settings);
        Ok(config)
    }

    pub(super) fn delete_subscription(&self, name: &str) -> Result<(), Status> {
        let mut registry = self.write();
        let registered = registry
            .subscriptions
            .remove(name)
            .ok_or_else(|| unknown(name))?;
        registered.delivery.abort();
        for topic in registry.topics.values_mut() {
            topic
                .subscriptions
                .retain(|subscription| subscription.name != name);
        }
        Ok(())
    }

    pub(super) fn publish(
        &self,
        topic: &str,
        messages: Vec<PubsubMessage>,
    ) -> Result<Vec<String>, Status> {
        let subscriptions = self.subscriptions_of(topic)?;
        count(&self.counters.published, messages.len() as u64);
        let messages: Vec<_> = messages
            .into_iter()
            .map(|message| Arc::new(self.stamp(message)))
            .collect();
        for subscription in subscriptions {
            self.offer(&subscription, &messages);
        }
        Ok(messages
            .iter()
            .map(|message| message.message_id.clone())
            .collect())
    }

    pub(super) fn lease(
        &self,
        subscription: &Subscription,
        limit: usize,
        time: Duration,
    ) -> Vec<Lease> {
        self.expire(subscription);
        subscription.lease(limit, Instant::now(), time)
    }

    pub(super) fn ack(&self, subscription: &Subscription, lease: u64) {
        if subscription.ack(lease) {
            count(&self.counters.acked, 1);
        }
    }

    pub(super) fn nack(&self, subscription: &Subscription, lease: u64) {
        let nacked = subscription.nack(lease, Instant::now());
        self.bury(subscription, nacked);
    }

    pub(super) fn expire(&self, subscription: &Subscription) {
        let nacked = subscription.expire(Instant::now());
        self.bury(subscription, nacked);
    }

    fn bury(&self, subscription: &Subscription, nacked: Nacked) {
        count(&self.counters.nacked, nacked.count);
        for delivery in nacked.dead {
            self.dead_letter(subscription, delivery);
        }
    }

    fn dead_letter(&self, subscription: &Subscription, delivery: Delivery) {
        let settings = subscription.settings();
        let message = dead_letter_message(&subscription.name, &delivery);
        let sent = settings
            .dead_letter
            .as_ref()
            .map(|policy| self.publish(&policy.topic, vec![message]));
        if let Some(Ok(_)) = sent {
            count(&self.counters.dead_lettered, 1);
        } else {
            // Pub/Sub, too, goes on delivering while the dead-letter topic is away.
            let now = Instant::now();
            subscription.offer(vec![(delivery, now)], now);
        }
    }

    fn offer(&self, subscription: &Subscription, messages: &[Arc<PubsubMessage>]) {
        let now = Instant::now();
        let copies = |message: &Arc<PubsubMessage>| {
            let delivery = Delivery::first(message.clone());
            self.dice
                .copies()
                .into_iter()
                .map(move |held| (delivery.clone(), now + held))
        };
        subscription.offer(messages.iter().flat_map(copies).collect(), now);
    }

    fn stamp(&self, message: PubsubMessage) -> PubsubMessage {
        PubsubMessage {
            message_id: self.new_id().to_string(),
            publish_time: Some(SystemTime::now().into()),
            ..message
        }
    }

    fn new_id(&self) -> u64 {
        self.ids.fetch_add(1, Ordering::Relaxed)
    }

    fn read(&self) -> RwLockReadGuard<'_, Registry> {
        self.registry.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Registry> {
        self.registry
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Registry {
    fn topic(&self, name: &str) -> Result<&Topic, Status> {
        self.topics.get(name).ok_or_else(|| unknown(name))
    }

    fn check_dead_letter_topic(&self, settings: &Settings) -> Result<(), Status> {
        settings
            .dead_letter
            .as_ref()
            .map_or(Ok(()), |policy| self.topic(&policy.topic).map(drop))
    }
}

fn dead_letter_message(subscription: &str, delivery: &Delivery) -> PubsubMessage {
    let mut name = subscription.split('/').skip(1).step_by(2);
    let (project, id) = (
        name.next().unwrap_or_default(),
        name.next().unwrap_or_default(),
    );
    let published = envelope::published_at(&delivery.message);
    let mut message = (*delivery.message).clone();
    message.attributes.extend(
        [
            ("DeliveryCount", delivery.attempt.to_string()),
            ("Subscription", id.to_owned()),
            ("SubscriptionProject", project.to_owned()),
            (
                "TopicPublishTime",
                published.to_rfc3339_opts(SecondsFormat::Millis, false),
            ),
        ]
        .map(|(name, value)| (format!("CloudPubSubDeadLetterSource{name}"), value)),
    );
    message
}

fn unknown(name: &str) -> Status {
    Status::not_found(format!("Resource not found (resource={}).", short(name)))
}

fn exists(name: &str) -> Status {
    Status::already_exists(format!(
        "Resource already exists in the project (resource={}).",
        short(name)
    ))
}

fn short(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}
