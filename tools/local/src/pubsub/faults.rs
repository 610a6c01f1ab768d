//! Faults on purpose, and the randomness that decides when they happen.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rand::{Rng, SeedableRng, rngs::StdRng};
use serde::{Deserialize, Serialize};

/// The time that a reordered message is held back, while later messages pass it.
const HOLD_BACK_MS: [u64; 2] = [250, 1_000];

/// The probability of each fault. No fault happens unless a test asks for it.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct Faults {
    /// A message is delivered twice.
    duplicate: Probability,
    /// An accepted message is never delivered.
    drop: Probability,
    /// A message waits for a time between these two before it is delivered.
    delay_ms: Range,
    /// Later messages pass a message.
    reorder: Probability,
    /// A publish is answered with UNAVAILABLE, and its messages are not stored.
    refuse_publish: Probability,
    /// The same seed gives the same faults. Without one, a random seed is chosen and returned.
    seed: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(try_from = "f64")]
struct Probability(f64);

impl TryFrom<f64> for Probability {
    type Error = String;

    fn try_from(value: f64) -> Result<Self, String> {
        if (0.0..=1.0).contains(&value) {
            Ok(Self(value))
        } else {
            Err(format!("{value} is not a probability, which lies between 0 and 1"))
        }
    }
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(try_from = "[u64; 2]")]
struct Range([u64; 2]);

impl TryFrom<[u64; 2]> for Range {
    type Error = String;

    fn try_from([from, to]: [u64; 2]) -> Result<Self, String> {
        if from <= to { Ok(Self([from, to])) } else { Err(format!("{from} is more than {to}")) }
    }
}

/// The faults in force and the randomness that plays them.
pub(super) struct Dice(Mutex<State>);

struct State {
    faults: Faults,
    rng: StdRng,
}

impl Dice {
    pub(super) fn new(faults: Faults) -> Self {
        Self(Mutex::new(State::new(faults)))
    }

    pub(super) fn set(&self, faults: Faults) -> Faults {
        let mut state = self.lock();
        *state = State::new(faults);
        state.faults
    }

    pub(super) fn faults(&self) -> Faults {
        self.lock().faults
    }

    pub(super) fn refuses_publish(&self) -> bool {
        let mut state = self.lock();
        let odds = state.faults.refuse_publish;
        state.happens(odds)
    }

    /// Returns the delay of each copy of a message. A lost message has no copy.
    pub(super) fn copies(&self) -> Vec<Duration> {
        let mut state = self.lock();
        let faults = state.faults;
        if state.happens(faults.drop) {
            return Vec::new();
        }
        let count = if state.happens(faults.duplicate) { 2 } else { 1 };
        (0..count).map(|_| state.hold_back(faults)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn new(faults: Faults) -> Self {
        let seed = faults.seed.unwrap_or_else(rand::random);
        Self { faults: Faults { seed: Some(seed), ..faults }, rng: StdRng::seed_from_u64(seed) }
    }

    fn happens(&mut self, Probability(odds): Probability) -> bool {
        odds > 0.0 && self.rng.random_bool(odds)
    }

    fn hold_back(&mut self, faults: Faults) -> Duration {
        let mut millis = self.between(faults.delay_ms.0);
        if self.happens(faults.reorder) {
            millis += self.between(HOLD_BACK_MS);
        }
        Duration::from_millis(millis)
    }

    fn between(&mut self, [from, to]: [u64; 2]) -> u64 {
        if to == 0 { 0 } else { self.rng.random_range(from..=to) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn dice(faults: serde_json::Value) -> Dice {
        Dice::new(serde_json::from_value(faults).unwrap())
    }

    #[test]
    fn nothing_goes_wrong_by_itself() {
        let dice = dice(json!({}));
        assert_eq!(dice.copies(), [Duration::ZERO]);
        assert!(!dice.refuses_publish());
    }

    #[test]
    fn the_same_seed_gives_the_same_faults() {
        let faults = json!({"duplicate": 0.3, "drop": 0.3, "delayMs": [0, 500], "reorder": 0.3, "seed": 7});
        let play = || {
            let dice = dice(faults.clone());
            (0..100).map(|_| dice.copies()).collect::<Vec<_>>()
        };
        let played = play();
        assert_eq!(played, play());
        let counts: Vec<_> =
            (0..3).map(|n| played.iter().filter(|copies| copies.len() == n).count()).collect();
        assert!(counts.iter().all(|&count| count > 10), "{counts:?}");
    }

    #[test]
    fn a_seed_that_was_made_up_is_told() {
        let dice = dice(json!({"drop": 0.5}));
        assert!(dice.faults().seed.is_some());
    }
}
