//! The path of a message from its publish to its end.

use std::{
    sync::{
        Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use tonic::Status;

use super::{
    backlog::{Delivery, Lease},
    counters::Counters,
    dead_letter,
    faults::{Dice, Faults},
    proto::{self, PubsubMessage},
    push::{self, Pusher},
    registry::Registry,
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

impl Broker {
    pub(super) fn new(pusher: Pusher, max_backoff: Duration) -> Self {
        // IDs start at the time of day, so that a restarted stand-in gives new IDs.
        let epoch = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_micros();
        Self {
            registry: RwLock::default(),
            ids: AtomicU64::new(u64::try_from(epoch).unwrap_or_default()),
            max_backoff,
            pusher,
            dice: Dice::new(Faults::default()),
            counters: Counters::default(),
        }
    }

    pub(super) fn registry(&self) -> RwLockReadGuard<'_, Registry> {
        self.registry.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn registry_mut(&self) -> RwLockWriteGuard<'_, Registry> {
        self.registry.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn create_subscription(
        self: &Arc<Self>,
        config: proto::Subscription,
    ) -> Result<proto::Subscription, Status> {
        let settings = self.check(&config)?;
        let subscription = Subscription::new(config.clone(), settings, self.new_id(), self.max_backoff);
        let subscription = Arc::new(subscription);
        self.registry_mut().create_subscription(&config.topic, &subscription, || {
            tokio::spawn(push::run(self.clone(), subscription.clone())).abort_handle()
        })?;
        Ok(config)
    }

    pub(super) fn configure(
        &self,
        subscription: &Subscription,
        config: proto::Subscription,
    ) -> Result<proto::Subscription, Status> {
        let settings = self.check(&config)?;
        subscription.configure(config.clone(), settings);
        Ok(config)
    }

    pub(super) fn publish(&self, topic: &str, messages: Vec<PubsubMessage>) -> Result<Vec<String>, Status> {
        let subscriptions = self.registry().subscriptions_of(topic)?;
        self.counters.published.add(messages.len());
        let messages: Vec<_> = messages.into_iter().map(|message| Arc::new(self.stamp(message))).collect();
        for subscription in subscriptions {
            self.offer(&subscription, &messages);
        }
        Ok(messages.iter().map(|message| message.message_id.clone()).collect())
    }

    pub(super) fn lease(&self, subscription: &Subscription, limit: usize, time: Duration) -> Vec<Lease> {
        self.expire(subscription);
        subscription.lease(limit, Instant::now(), time)
    }

    pub(super) fn ack(&self, subscription: &Subscription, lease: u64) {
        if subscription.ack(lease) {
            self.counters.acked.add(1);
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
        self.counters.nacked.add(nacked.count);
        for delivery in nacked.dead {
            self.dead_letter(subscription, delivery);
        }
    }

    fn dead_letter(&self, subscription: &Subscription, delivery: Delivery) {
        let settings = subscription.settings();
        let message = dead_letter::message(&subscription.name, &delivery);
        let sent = settings.dead_letter.as_ref().map(|policy| self.publish(&policy.topic, vec![message]));
        if let Some(Ok(_)) = sent {
            self.counters.dead_lettered.add(1);
        } else {
            // Pub/Sub too goes on delivering while the dead-letter topic is away.
            let now = Instant::now();
            subscription.offer(vec![(delivery, now)], now);
        }
    }

    fn offer(&self, subscription: &Subscription, messages: &[Arc<PubsubMessage>]) {
        let now = Instant::now();
        let copies = |message: &Arc<PubsubMessage>| {
            let delivery = Delivery::first(message.clone());
            self.dice.copies().into_iter().map(move |held| (delivery.clone(), now + held))
        };
        subscription.offer(messages.iter().flat_map(copies).collect(), now);
    }

    fn check(&self, config: &proto::Subscription) -> Result<Settings, Status> {
        let settings = Settings::check(config)?;
        if let Some(policy) = &settings.dead_letter {
            self.registry().topic(&policy.topic)?;
        }
        Ok(settings)
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
}
