use std::num::NonZero;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use door::ApiKey;
use store::{ActiveKey, KeyScope};
use tokio::time::Instant;

use crate::rate_limit::KeyLimit;

/// An active key, as it was at the latest reading.
pub(super) struct Known {
    key: ActiveKey,
    scope: KeyScope,
    /// The time on our own monotonic clock when the key expires, computed from the remaining time that the database
    /// reported.
    ends: Option<Instant>,
    pub(super) limit: Option<Arc<KeyLimit>>,
    /// The latest use that has not been reported to the database yet.
    last_used: Arc<Mutex<Option<Instant>>>,
}

impl Known {
    /// The state of the rate limit and the latest use are taken over from `before`.
    pub(super) fn new(key: ActiveKey, read_at: Instant, before: Option<&Self>) -> Self {
        let ends = key.expires_in.map(|left| read_at + left);
        let unchanged = before.filter(|before| before.key.rate_limit == key.rate_limit);
        let limit = match unchanged {
            Some(before) => before.limit.clone(),
            None => key.rate_limit.and_then(NonZero::new).map(|rate| Arc::new(KeyLimit::of(rate))),
        };
        let last_used = before.map(|before| before.last_used.clone()).unwrap_or_default();
        let scope = KeyScope::of_api_key(&key.lineage);
        Self { key, scope, ends, limit, last_used }
    }

    pub(super) fn opens_to(&self, presented: &ApiKey) -> bool {
        let now = Instant::now();
        let opens = presented.has_hash(&self.key.hash) && self.ends.is_none_or(|ends| now < ends);
        if opens {
            *self.last_used.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
        }
        opens
    }

    /// Returns how long ago the key was used, if it was used since the last call.
    pub(super) fn used(&self) -> Option<Duration> {
        let last_used = self.last_used.lock().unwrap_or_else(PoisonError::into_inner).take();
        last_used.map(|at| at.elapsed())
    }

    pub(super) fn scope(&self) -> KeyScope {
        self.scope
    }

    pub(super) fn lineage(&self) -> &str {
        &self.key.lineage
    }

    /// The prefixes of the event types that may be sent with the key; None allows all types.
    pub(super) fn event_types(&self) -> Option<&[String]> {
        self.key.event_types.as_deref()
    }
}
