use chrono::{DateTime, Utc};

/// A period of rows that are listed newest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Period {
    /// From this time on.
    pub since: Option<DateTime<Utc>>,
    /// Before this time.
    pub until: Option<DateTime<Utc>>,
    /// The position where the page before ended.
    pub before: Option<Position>,
}

/// The position of a row among those of its table. Rows of one time follow each other by their ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub at: DateTime<Utc>,
    pub id: i64,
}

impl Period {
    pub(crate) fn since(&self) -> DateTime<Utc> {
        self.since.unwrap_or(DateTime::UNIX_EPOCH)
    }

    /// The end of the page. All of its rows are before this position.
    pub(crate) fn end(&self) -> Position {
        let until = Position { at: self.until.unwrap_or(FAR_FUTURE), id: 0 };
        self.before.map_or(until, |before| before.min(until))
    }
}

/// The last second of a year with four digits.
pub(crate) const FAR_FUTURE: DateTime<Utc> = match DateTime::from_timestamp(253_402_300_799, 0) {
    Some(at) => at,
    None => DateTime::UNIX_EPOCH,
};

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn a_page_begins_behind_the_one_before_it_and_within_its_time() {
        let at = |seconds| DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds);
        let (until, before) = (Some(at(5)), Position { at: at(4), id: 7 });
        let period = Period { until, before: Some(before), ..Period::default() };
        assert_eq!(period.end(), before);
        let period = Period { until, before: Some(Position { at: at(5), id: 1 }), ..period };
        assert_eq!(period.end(), Position { at: at(5), id: 0 }, "no row of that time is before it");
        assert_eq!(Period::default().end().at, FAR_FUTURE);
    }
}
