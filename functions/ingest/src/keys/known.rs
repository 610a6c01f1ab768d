use std::num::NonZero;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use door::ApiKey;
use store::{ActiveKey, KeyScope};
use tokio::time::Instant;

use crate::rate_limit::KeyLimit;

/// A key that may come in, as it was at the latest reading.
pub(super) struct Known {
    key: ActiveKey,
    scope: KeyScope,
    /// By our own steady clock, from what the database said was left.
    ends: Option<Instant>,
    pub(super) limit: Option<Arc<KeyLimit>>,
    /// What the database has not been told yet.
    last_used: Arc<Mutex<Option<Instant>>>,
}

impl Known {
    /// What has been spent and used goes on from `before`.
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

    /// How long ago it was used, where that was not asked before.
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

    /// The prefixes of the types that may come with it; none are all.
    pub(super) fn event_types(&self) -> Option<&[String]> {
        self.key.event_types.as_deref()
    }
}
