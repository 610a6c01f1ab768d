use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::books::Books;
use crate::faults::Kind;

/// The number of differences of one sort that are printed.
const SHOWN: usize = 5;

/// The result of one run.
pub(crate) struct Report {
    pub(crate) seed: u64,
    pub(crate) lasted: Duration,
    pub(crate) faults: BTreeMap<&'static str, usize>,
    pub(crate) fault_points: BTreeMap<String, usize>,
    /// Whether every fault that the run needs was dealt.
    pub(crate) is_dealt: bool,
    pub(crate) not_tried: Vec<String>,
    pub(crate) recoveries: Vec<Duration>,
    pub(crate) looks: usize,
    pub(crate) books: Books,
}

impl Report {
    pub(crate) fn balances(&self) -> bool {
        self.books.differences.is_empty()
    }

    pub(crate) fn kills(&self) -> usize {
        self.faults.get(Kind::Kill.name()).copied().unwrap_or(0) + self.fault_points.values().sum::<usize>()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let books = &self.books;
        writeln!(f, "\nfaults, seed {}, {} s", self.seed, self.lasted.as_secs())?;
        for (name, count) in &self.faults {
            writeln!(f, "  {name:<44} {count:>6}")?;
        }
        for (name, count) in &self.fault_points {
            writeln!(f, "  {:<44} {count:>6}", format!("killed at {name}"))?;
        }
        for name in &self.not_tried {
            writeln!(f, "  not tried: {name}")?;
        }
        writeln!(f, "  {:<44} {:>6}", "kills in all", self.kills())?;
        let mut times = self.recoveries.clone();
        times.sort();
        if let (Some(middle), Some(last)) = (times.get(times.len() / 2), times.last()) {
            let (middle, last) = (middle.as_secs_f64(), last.as_secs_f64());
            writeln!(f, "\nrecovery after {} attacks: p50 {middle:.1} s, max {last:.1} s", times.len())?;
        }
        writeln!(f, "\nbooks, looked at {} times during the run", self.looks)?;
        for (name, count) in [
            ("sent", books.sent),
            ("answered 201", books.answered),
            ("stored", books.stored),
            ("processed", books.processed),
            ("dead letters", books.dead),
            ("replayed", books.replayed),
            ("failed and lost attempts on record", books.attempts),
            ("rows in BigQuery", books.rows),
            ("rejects", books.rejects),
        ] {
            writeln!(f, "  {name:<44} {count:>6}")?;
        }
        writeln!(f, "  {:<44} {:>6}", "sum of the weights of the processed", books.weight)?;
        for (promise, events) in &books.differences {
            writeln!(f, "\nBROKEN: {promise}, {} times", events.len())?;
            for event in events.iter().take(SHOWN) {
                writeln!(f, "  {event}")?;
            }
        }
        if self.balances() {
            writeln!(f, "\nThe books balance.")
        } else {
            writeln!(f, "\nThe books do not balance. Again with: make chaos SEED={}", self.seed)
        }
    }
}
