use rand::Rng;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Pace;

/// The behaviour of the handler for an event. It decides which end of the event is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Fate {
    Done,
    /// The handler takes about as long as its limit allows.
    Slow,
    FailsTwice,
    /// Every attempt fails until the event is dead.
    Fails,
    Panics,
    /// The handler never returns within its limit.
    Hangs,
    Permanent,
    /// The first attempt makes the event dead, and any later attempt succeeds.
    Mended,
    /// Every attempt kills its process.
    Kills,
    /// Every attempt ends its own session with the database.
    EndsSession,
    /// BigQuery refuses the row of this event.
    Unloadable,
}

/// One event of a run. Its weight is its number, so that a missing effect and a double one cannot cancel out in a
/// sum.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Planned {
    pub(crate) number: i64,
    pub(crate) fate: Fate,
}

/// The text by which the BigQuery stand-in recognises a row that it has to refuse.
pub(crate) const UNLOADABLE: &str = "bigquery-refuses-this";

impl Planned {
    /// Draws 3% of poison of many kinds and the shares that the pace asks for. All other events succeed.
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
            // Each of these events costs the flusher several load jobs.
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
    /// Tells whether DEAD_LETTER is a right end.
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

    /// Tells whether PROCESSED is a right end. The first attempt of a `Mended` event may be lost, and then its second
    /// one succeeds.
    pub(crate) fn may_succeed(self) -> bool {
        !self.may_die() || self == Self::Mended
    }
}
