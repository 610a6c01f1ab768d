use std::num::NonZero;

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use governor::clock::{Clock, DefaultClock};
use governor::{NotUntil, Quota};
use service::Problem;

pub(super) type Until = NotUntil<<DefaultClock as Clock>::Instant>;

/// A token bucket. It holds at most `burst` tokens and gets `rate` more a second.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    pub(super) of: &'static str,
    /// The unit that a token stands for.
    pub(super) unit: &'static str,
    pub(super) rate: NonZero<u32>,
    pub(super) burst: NonZero<u32>,
}

impl Bucket {
    pub(super) fn quota(self) -> Quota {
        Quota::per_second(self.rate).allow_burst(self.burst)
    }

    pub(super) fn empty(self, until: &Until) -> Problem {
        let wait = until.wait_time_from(DefaultClock::default().now());
        self.refusal(u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1))
    }

    /// Refuses a request for more than the bucket can hold, however long the client waits.
    pub(super) fn too_small_for(self, count: NonZero<u32>) -> Problem {
        self.refusal(self.seconds_for(count.get()))
    }

    /// Appends the two fields of draft-ietf-httpapi-ratelimit-headers, beside those of another bucket.
    pub(super) fn tell(self, remaining: u32, headers: &mut HeaderMap) {
        let until_full = self.seconds_for(self.burst.get().saturating_sub(remaining));
        for (name, value) in self.fields(remaining, until_full) {
            headers.append(name, value);
        }
    }

    fn fields(self, remaining: u32, seconds: u32) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        let Self { of, burst, .. } = self;
        let window = self.seconds_for(burst.get());
        let texts = [
            ("ratelimit-policy", format!("\"{of}\";q={burst};w={window}")),
            ("ratelimit", format!("\"{of}\";r={remaining};t={seconds}")),
        ];
        // All characters are visible ASCII, so no field is left out.
        texts.into_iter().filter_map(|(name, text)| {
            Some((HeaderName::from_static(name), HeaderValue::try_from(text).ok()?))
        })
    }

    /// Rounded to whole seconds, because the fields allow nothing else.
    fn seconds_for(self, count: u32) -> u32 {
        count.div_ceil(self.rate.get())
    }

    fn refusal(self, seconds: u32) -> Problem {
        let Self { of, unit, rate, burst } = self;
        let detail = format!("this {of} may send {rate} {unit} a second, and {burst} at once");
        let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, detail)
            .with("limit", rate)
            .with("burst", burst)
            .header(RETRY_AFTER, HeaderValue::from(seconds));
        self.fields(0, seconds).fold(problem, |problem, (name, value)| problem.header(name, value))
    }
}
