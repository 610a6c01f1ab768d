use std::fmt;
use std::time::Duration;

use super::control::Control;

pub(super) const HEAD: &str = "bug                          verdict     seconds  what was seen                                      control";

/// The result of one bug.
#[derive(Default)]
pub(super) struct Row {
    bug: &'static str,
    pub(super) is_caught: bool,
    seen: String,
    control: String,
    seconds: u64,
}

impl Row {
    /// The bug counts as caught only if the control balances.
    pub(super) fn seen(seen: String, control: Control) -> Self {
        Self { is_caught: control.balances, seen, control: control.told, ..Self::default() }
    }

    pub(super) fn missed(why: String) -> Self {
        Self { seen: why, control: "-".into(), ..Self::default() }
    }

    pub(super) fn of(self, bug: &'static str, took: Duration) -> Self {
        Self { bug, seconds: took.as_secs(), ..self }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bug, is_caught, seen, control, seconds } = self;
        let verdict = if *is_caught { "caught" } else { "NOT CAUGHT" };
        write!(f, "{bug:<28} {verdict:<10} {seconds:>8}  {seen:<50} {control}")
    }
}
