//! One subscription: its settings, the messages that it still has to deliver, and its pace.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use serde::Serialize;
use tokio::{sync::watch, time::sleep_until};

use super::{
    backlog::{Backlog, Delivery, Lease},
    pacing::Pacing,
    proto,
    settings::Settings,
};

/// The name that Pub/Sub shows in place of a deleted topic.
const DELETED_TOPIC: &str = "_deleted-topic_";

pub(super) struct Subscription {
    pub(super) name: String,
    state: Mutex<State>,
    /// Notified of every change that could let a waiting task go on.
    changed: watch::Sender<()>,
}

struct State {
    config: proto::Subscription,
    settings: Arc<Settings>,
    backlog: Backlog,
    pacing: Pacing,
}

/// The result of negative acknowledgements.
#[derive(Default)]
pub(super) struct Nacked {
    pub(super) count: usize,
    /// Deliveries that have used up their attempts. The subscription no longer holds them.
    pub(super) dead: Vec<Delivery>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Snapshot {
    pub(super) waiting: usize,
    pub(super) outstanding: usize,
    window: usize,
    backoff_ms: u128,
}

impl Subscription {
    pub(super) fn new(
        config: proto::Subscription,
        settings: Settings,
        first_lease: u64,
        max_backoff: Duration,
    ) -> Self {
        Self {
            name: config.name.clone(),
            state: Mutex::new(State {
                config,
                settings: Arc::new(settings),
                backlog: Backlog::new(first_lease),
                pacing: Pacing::new(max_backoff),
            }),
            changed: watch::Sender::new(()),
        }
    }

    pub(super) fn config(&self) -> proto::Subscription {
        self.lock().config.clone()
    }

    pub(super) fn settings(&self) -> Arc<Settings> {
        self.lock().settings.clone()
    }

    pub(super) fn configure(&self, config: proto::Subscription, settings: Settings) {
        let mut state = self.lock();
        state.config = config;
        state.settings = Arc::new(settings);
        drop(state);
        self.tell();
    }

    pub(super) fn lose_topic(&self) {
        DELETED_TOPIC.clone_into(&mut self.lock().config.topic);
    }

    pub(super) fn offer(&self, deliveries: Vec<(Delivery, Instant)>, now: Instant) {
        let mut state = self.lock();
        for (delivery, due) in deliveries {
            state.backlog.offer(delivery, due, now);
        }
        drop(state);
        self.tell();
    }

    pub(super) fn lease(&self, limit: usize, now: Instant, time: Duration) -> Vec<Lease> {
        self.lock().backlog.lease(limit, now, now + time)
    }

    /// Tells whether `lease_for_push` would return any lease.
    pub(super) fn may_push(&self, now: Instant) -> bool {
        let mut state = self.lock();
        state.room(now) > 0 && state.backlog.is_ready(now)
    }

    /// Leases as many messages as the window and the backoff allow.
    pub(super) fn lease_for_push(&self, now: Instant) -> Vec<Lease> {
        let mut state = self.lock();
        let (room, until) = (state.room(now), now + state.settings.ack_deadline);
        let leases = state.backlog.lease(room, now, until);
        if !leases.is_empty() {
            state.pacing.pushed(now);
        }
        leases
    }

    /// Returns false if the lease had ended already.
    pub(super) fn ack(&self, lease: u64) -> bool {
        let mut state = self.lock();
        if state.backlog.settle(lease).is_none() {
            return false;
        }
        if state.settings.push.is_some() {
            state.pacing.acked();
        }
        drop(state);
        self.tell();
        true
    }

    pub(super) fn nack(&self, lease: u64, now: Instant) -> Nacked {
        let mut state = self.lock();
        let settled = state.backlog.settle(lease);
        let nacked = state.give_back(settled, now);
        drop(state);
        self.tell();
        nacked
    }

    pub(super) fn extend(&self, lease: u64, now: Instant, time: Duration) {
        self.lock().backlog.extend(lease, now + time);
    }

    /// A deadline that has passed is a negative acknowledgement.
    pub(super) fn expire(&self, now: Instant) -> Nacked {
        let mut state = self.lock();
        let expired = state.backlog.expire(now);
        let nacked = state.give_back(expired, now);
        drop(state);
        if nacked.count > 0 {
            self.tell();
        }
        nacked
    }

    pub(super) fn watch(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Waits until something has changed since `changed` was last read, or until the next time-based event.
    pub(super) async fn wait(&self, changed: &mut watch::Receiver<()>) {
        let event = self.lock().next_event(Instant::now());
        let timer = async {
            match event {
                Some(event) => sleep_until(event.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            // The sender lives in `self`, so it exists as long as this task waits.
            _ = changed.changed() => {}
            () = timer => {}
        }
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        let state = self.lock();
        Snapshot {
            waiting: state.backlog.waiting(),
            outstanding: state.backlog.outstanding(),
            window: state.pacing.window(),
            backoff_ms: state.pacing.delay().as_millis(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self) {
        self.changed.send_replace(());
    }
}

impl State {
    fn room(&self, now: Instant) -> usize {
        self.pacing.room(self.backlog.outstanding(), now)
    }

    fn give_back(&mut self, leases: impl IntoIterator<Item = Lease>, now: Instant) -> Nacked {
        let mut nacked = Nacked::default();
        for lease in leases {
            nacked.count += 1;
            if self.settings.push.is_some() {
                self.pacing.nacked(lease.id, self.backlog.newest_lease());
            }
            nacked.dead.extend(self.again(lease.delivery, now));
        }
        nacked
    }

    /// Returns the delivery to the caller if it was the last attempt.
    fn again(&mut self, mut delivery: Delivery, now: Instant) -> Option<Delivery> {
        if let Some(policy) = &self.settings.dead_letter
            && delivery.attempt >= policy.max_attempts
        {
            return Some(delivery);
        }
        let delay = self.settings.retry.map_or(Duration::ZERO, |policy| policy.delay(delivery.attempt));
        delivery.attempt += 1;
        // Messages that failed together are spread, so that they do not come again together.
        self.backlog.offer(delivery, now + delay.mul_f64(rand::random_range(1.0..1.25)), now);
        None
    }

    /// The backoff matters only while it holds back a message that is ready.
    fn next_event(&mut self, now: Instant) -> Option<Instant> {
        let gate = self.pacing.gate().filter(|gate| *gate > now && self.backlog.is_ready(now));
        gate.into_iter().chain(self.backlog.next_event()).min()
    }
}
