use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

/// Counts since the start, over all topics and subscriptions.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Counters {
    pub(super) published: Counter,
    pub(super) pushed: Counter,
    pub(super) acked: Counter,
    pub(super) nacked: Counter,
    pub(super) dead_lettered: Counter,
}

#[derive(Default, Serialize)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn add(&self, count: usize) {
        self.0.fetch_add(count as u64, Ordering::Relaxed);
    }
}
