use std::fmt;

use serde::{Deserialize, Serialize};

use crate::compared::Compared;
use crate::target::{self, Target};

/// One line of the report.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Figure {
    pub(crate) name: String,
    /// None if it could not be measured. The note says why.
    pub(crate) value: Option<f64>,
    pub(crate) unit: String,
    pub(crate) yardstick: Option<f64>,
    pub(crate) ratio: Option<f64>,
    pub(crate) target: Option<String>,
    /// None if there is no target, or no value to compare with it.
    pub(crate) met: Option<bool>,
    /// Whether it was measured at less than its full size.
    pub(crate) quick: bool,
    pub(crate) note: String,
}

/// The reason why this machine or this build cannot measure a row. It does not count as a failure.
#[derive(Debug)]
pub(crate) struct NotHere(pub(crate) String);

impl fmt::Display for NotHere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotHere {}

impl Figure {
    pub(crate) fn alone(name: &str, value: f64, unit: &str) -> Self {
        Self::new(name, Some(value), unit, None)
    }

    pub(crate) fn beside(name: &str, value: f64, unit: &str, yardstick: f64) -> Self {
        Self::new(name, Some(value), unit, Some(yardstick))
    }

    pub(crate) fn compared(name: &str, unit: &str, compared: &Compared) -> Self {
        let figure = Self::beside(name, compared.value, unit, compared.yardstick);
        figure.note(compared.spread())
    }

    pub(crate) fn missing(name: &str, error: &crate::Error) -> Self {
        let mut figure = Self::new(name, None, "", None);
        let is_here = error.downcast_ref::<NotHere>().is_none();
        figure.met = is_here.then_some(false);
        figure.note = if is_here { format!("failed: {error}") } else { format!("not there: {error}") };
        figure
    }

    #[must_use]
    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        let separator = if self.note.is_empty() { "" } else { "; " };
        self.note = format!("{}{separator}{}", self.note, note.into());
        self
    }

    fn new(name: &str, value: Option<f64>, unit: &str, yardstick: Option<f64>) -> Self {
        let target = target::of(name);
        let ratio = value.zip(yardstick).map(|(value, yardstick)| value / yardstick);
        Self {
            name: name.to_owned(),
            value,
            unit: unit.to_owned(),
            yardstick,
            ratio,
            target: target.as_ref().map(Target::to_string),
            met: target.zip(value).map(|(target, value)| target.is_met(value, ratio)),
            quick: false,
            note: String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_knows_its_ratio_and_whether_it_is_met() {
        let met = Figure::beside("ingest-c64", 130.0, "events/s", 100.0);
        assert_eq!((met.ratio, met.met), (Some(1.3), Some(true)));
        let missed = Figure::alone("start", 31.0, "ms");
        assert_eq!((missed.ratio, missed.met), (None, Some(false)));
        let plain = Figure::alone("cpu-ingest", 1.0, "s");
        assert_eq!((plain.target, plain.met), (None, None));
    }

    #[test]
    fn what_is_not_there_has_not_failed() {
        let failed = Figure::missing("ingest-batch", &"a refusal".into());
        assert_eq!((failed.value, failed.met), (None, Some(false)));
        let absent = Figure::missing("ingest-batch", &NotHere("no endpoint".into()).into());
        assert_eq!(absent.met, None);
        assert_eq!(absent.note, "not there: no endpoint");
    }
}
