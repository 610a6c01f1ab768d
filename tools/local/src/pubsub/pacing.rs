//! The pace of a push subscription: a window of outstanding requests that grows with success, and a push backoff that
//! slows the whole subscription down after failures.

use std::time::{Duration, Instant};

const FIRST_WINDOW: usize = 8;
const MAX_WINDOW: usize = 1_000;
const FIRST_DELAY: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(super) struct Pacing {
    window: usize,
    delay: Duration,
    max_delay: Duration,
    last_push: Option<Instant>,
    /// The newest push at the time when the delay last grew.
    newest: u64,
}

impl Pacing {
    pub(super) fn new(max_delay: Duration) -> Self {
        Self { window: FIRST_WINDOW, delay: Duration::ZERO, max_delay, last_push: None, newest: 0 }
    }

    /// The number of pushes that may start now. During a backoff it is one at a time.
    pub(super) fn room(&self, outstanding: usize, now: Instant) -> usize {
        let room = self.window.saturating_sub(outstanding);
        match self.gate() {
            None => room,
            Some(opens) if opens <= now => room.min(1),
            Some(_) => 0,
        }
    }

    /// The time at which the backoff lets the next push through.
    pub(super) fn gate(&self) -> Option<Instant> {
        (!self.delay.is_zero()).then(|| self.last_push.map(|last| last + self.delay)).flatten()
    }

    pub(super) fn pushed(&mut self, now: Instant) {
        self.last_push = Some(now);
    }

    /// Growing by one for each success doubles the window in a round trip, which is slow start.
    pub(super) fn acked(&mut self) {
        self.window = (self.window + 1).min(MAX_WINDOW);
        let halved = self.delay / 2;
        self.delay = if halved < FIRST_DELAY { Duration::ZERO } else { halved };
    }

    /// A failure takes back the growth of several successes, because an overloaded receiver would otherwise stay
    /// overloaded. Among pushes that were under way together, only the first failure makes the delay grow: the others
    /// tell nothing new, and a burst of ten failures would delay the next push by a minute.
    pub(super) fn nacked(&mut self, push: u64, newest: u64) {
        self.window = (self.window - self.window / 8).max(FIRST_WINDOW);
        if push > self.newest {
            self.newest = newest;
            self.delay = (self.delay * 2).max(FIRST_DELAY).min(self.max_delay);
        }
    }

    pub(super) fn window(&self) -> usize {
        self.window
    }

    pub(super) fn delay(&self) -> Duration {
        self.delay
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: Duration = Duration::from_secs(5);

    #[test]
    fn failures_double_the_delay_up_to_its_bound_and_successes_halve_it_down_to_none() {
        let mut pacing = Pacing::new(MAX);
        let grown: Vec<_> =
            (1..9).map(|push| (pacing.nacked(push, push), pacing.delay().as_millis()).1).collect();
        assert_eq!(grown, [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
        let shrunk: Vec<_> = (0..7).map(|_| (pacing.acked(), pacing.delay().as_millis()).1).collect();
        assert_eq!(shrunk, [2_500, 1_250, 625, 312, 156, 0, 0]);
    }

    #[test]
    fn a_burst_is_one_failure() {
        let mut pacing = Pacing::new(MAX);
        (1..=10).for_each(|push| pacing.nacked(push, 10));
        assert_eq!(pacing.delay(), FIRST_DELAY);
        pacing.nacked(11, 11);
        assert_eq!(pacing.delay(), FIRST_DELAY * 2);
    }

    #[test]
    fn a_bound_below_the_first_delay_holds() {
        let mut pacing = Pacing::new(Duration::from_millis(20));
        pacing.nacked(1, 1);
        assert_eq!(pacing.delay(), Duration::from_millis(20));
    }

    #[test]
    fn a_subscription_that_backs_off_pushes_one_by_one() {
        let now = Instant::now();
        let mut pacing = Pacing::new(MAX);
        pacing.pushed(now);
        pacing.nacked(1, 1);
        assert_eq!(pacing.room(0, now), 0);
        assert_eq!(pacing.room(0, now + FIRST_DELAY), 1);
        pacing.acked();
        assert_eq!(pacing.room(0, now), FIRST_WINDOW + 1);
    }

    #[test]
    fn the_window_grows_to_its_bound_and_never_shrinks_below_its_start() {
        let mut pacing = Pacing::new(MAX);
        for _ in 0..2 * MAX_WINDOW {
            pacing.acked();
        }
        assert_eq!(pacing.window(), MAX_WINDOW);
        for _ in 0..2 * MAX_WINDOW {
            pacing.nacked(1, 1);
        }
        assert_eq!(pacing.window(), FIRST_WINDOW);
    }
}
