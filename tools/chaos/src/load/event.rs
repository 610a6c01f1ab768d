use rand::Rng;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Pace;

/// What the handler will do with an event, so what its end has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Fate {
    Done,
    /// The handler takes its time, about as long as it may.
    Slow,
    FailsTwice,
    /// It fails until it is dead.
    Fails,
    Panics,
    /// It never comes back in time.
    Hangs,
    Permanent,
    /// Dead at its first attempt, and well at any other.
    Mended,
    /// Every attempt takes the process with it.
    Kills,
    /// Every attempt ends its own session with the database.
    EndsSession,
    /// BigQuery does not take its row.
    Unloadable,
}

/// One event of a run. Its weight is its number, so that neither none nor twice can hide in a sum.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Planned {
    pub(crate) number: i64,
    pub(crate) fate: Fate,
}

/// The text by which the stand-in of BigQuery knows a row that it is to refuse.
pub(crate) const UNLOADABLE: &str = "bigquery-refuses-this";

impl Planned {
    /// 3% of poison of many kinds, what the pace asks for beside it, and the rest well.
    pub(crate) fn choose(number: i64, pace: Pace, random: &mut StdRng) -> Self {
        let fails = 300 + 10 * pace.fails;
        let fails_twice = fails + 10 * pace.fails_twice;
        let slow = fails_twice + 10 * pace.slow;
        let fate = match random.random_range(0..10_000_u32) {
            _ if !pace.poison => Fate::Done,
            0..80 => Fate::Fails,
            80..120 => Fate::Panics,
            120..140 => Fate::Hangs,
            140..250 => Fate::Permanent,
            250..295 => Fate::Mended,
            // Each of these costs the flusher several load jobs.
            295..300 => Fate::Unloadable,
            drawn if drawn < fails => Fate::Fails,
            drawn if drawn < fails_twice => Fate::FailsTwice,
            drawn if drawn < slow => Fate::Slow,
            _ => Fate::Done,
        };
        Self { number, fate }
    }

    pub(crate) fn body(&self) -> Value {
        let mut payload = match self.fate {
            Fate::Done => json!({}),
            Fate::Slow => json!({"sleepMs": 1_500}),
            Fate::FailsTwice => json!({"failTimes": 2}),
            Fate::Fails => json!({"failTimes": 1_000_000}),
            Fate::Panics => json!({"panic": true}),
            Fate::Hangs => json!({"sleepMs": 60_000}),
            Fate::Permanent => json!({"permanent": true}),
            Fate::Mended => json!({"permanent": true, "failTimes": 1}),
            Fate::Kills => json!({"kill": true}),
            Fate::EndsSession => json!({"endSession": true}),
            Fate::Unloadable => json!({"note": UNLOADABLE}),
        };
        payload["weight"] = json!(self.number);
        json!({"eventType": "demo.ledger", "payload": payload})
    }
}

impl Fate {
    /// Whether an end as DEAD_LETTER is right.
    pub(crate) fn may_die(self) -> bool {
        matches!(
            self,
            Self::Fails
                | Self::Panics
                | Self::Hangs
                | Self::Permanent
                | Self::Mended
                | Self::Kills
                | Self::EndsSession
        )
    }

    /// Whether an end as PROCESSED is right. Its first attempt may be lost, and then the next one is its second.
    pub(crate) fn may_succeed(self) -> bool {
        !self.may_die() || self == Self::Mended
    }
}
