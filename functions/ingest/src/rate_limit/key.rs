use std::num::NonZero;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::http::HeaderMap;
use governor::middleware::StateInformationMiddleware;
use governor::{DefaultDirectRateLimiter, RateLimiter};
use service::Problem;

use super::bucket::Bucket;

/// A batch of the largest size must fit, even at a low rate.
const LEAST_BURST: NonZero<u32> = NonZero::new(500).unwrap();

/// Limits the events a second that may be sent with one key.
pub(crate) struct KeyLimit {
    bucket: Bucket,
    limiter: DefaultDirectRateLimiter<StateInformationMiddleware>,
    remaining: AtomicU32,
}

impl KeyLimit {
    pub(crate) fn of(rate: NonZero<u32>) -> Self {
        let bucket = Bucket { of: "key", unit: "events", rate, burst: rate.max(LEAST_BURST) };
        Self {
            bucket,
            limiter: RateLimiter::direct(bucket.quota()).with_middleware(),
            remaining: AtomicU32::new(bucket.burst.get()),
        }
    }

    /// Takes a token for each event, or none.
    pub(crate) fn take(&self, events: NonZero<u32>) -> Result<(), Problem> {
        match self.limiter.check_n(events) {
            Ok(Ok(after)) => {
                self.remaining.store(after.remaining_burst_capacity(), Ordering::Relaxed);
                Ok(())
            }
            Ok(Err(until)) => Err(self.bucket.empty(&until)),
            Err(_) => Err(self.bucket.too_small_for(events)),
        }
    }

    pub(crate) fn tell(&self, headers: &mut HeaderMap) {
        self.bucket.tell(self.remaining.load(Ordering::Relaxed), headers);
    }
}
