use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::{NoContext, Timestamp, Uuid};

/// A `UUIDv7`: its first 48 bits are milliseconds since 1970, so that ids sort by time and a range of ids is a range of time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(Uuid);

impl EventId {
    /// A new id for the given time since 1970. The other bits are random.
    pub fn mint(since_epoch: Duration) -> Self {
        Self(Uuid::new_v7(Timestamp::from_unix(NoContext, since_epoch.as_secs(), since_epoch.subsec_nanos())))
    }

    /// The lowest id that this millisecond can have: the bound of a partition, or of a search by time.
    pub fn lowest_at(unix_millis: u64) -> Self {
        Self(Uuid::from_u128(u128::from(unix_millis) << 80))
    }

    pub fn unix_millis(self) -> u64 {
        // A u128 moved 80 bits to the right has 48 bits left.
        u64::try_from(self.0.as_u128() >> 80).unwrap_or(u64::MAX)
    }

    pub fn uuid(self) -> Uuid {
        self.0
    }
}

impl From<Uuid> for EventId {
    fn from(uuid: Uuid) -> Self {
        Self(uuid)
    }
}

impl FromStr for EventId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_carries_its_time_and_sorts_by_it() {
        let at = Duration::from_millis(1_764_000_000_123);
        let id = EventId::mint(at);
        assert_eq!(id.unix_millis(), 1_764_000_000_123);
        assert_eq!(id.uuid().get_version_num(), 7);
        assert!(EventId::lowest_at(1_764_000_000_123) <= id);
        assert!(id < EventId::lowest_at(1_764_000_000_124));
    }
}
