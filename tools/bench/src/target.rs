use std::fmt;

/// The bound of a figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Target {
    RatioAtLeast(f64),
    RatioAtMost(f64),
    Below(f64),
}

use Target::{Below, RatioAtLeast, RatioAtMost};

/// The targets by figure. A figure without a target is for the reader, or for computing other figures.
const TARGETS: [(&str, Target); 25] = [
    ("ingest-c64", RatioAtLeast(1.3)),
    ("ingest-c256", RatioAtLeast(1.8)),
    ("ingest-remote", RatioAtLeast(2.0)),
    ("ingest-c1", RatioAtLeast(0.25)),
    ("ingest-batch", RatioAtLeast(0.7)),
    ("ingest-cpu", RatioAtMost(0.5)),
    ("push-transactional", RatioAtLeast(1.0)),
    ("push-plain", RatioAtLeast(1.5)),
    ("pipeline", RatioAtLeast(0.5)),
    ("poison", RatioAtLeast(0.8)),
    ("flush", RatioAtLeast(0.7)),
    ("flush-rss", Below(128.0)),
    ("metrics-growth", RatioAtMost(1.5)),
    ("metrics-p99", Below(20.0)),
    ("list-growth", RatioAtMost(1.5)),
    ("list-growth-rare", RatioAtMost(1.5)),
    ("ingest-growth", RatioAtLeast(0.9)),
    ("latency-p50", Below(5.0)),
    ("latency-p99", Below(25.0)),
    ("processed-lag-p50", Below(20.0)),
    ("processed-lag-p99", Below(150.0)),
    ("start", Below(30.0)),
    ("idle-rest", Below(20.0)),
    ("idle-load", Below(60.0)),
    ("size", Below(16.0)),
];

pub(crate) fn of(figure: &str) -> Option<Target> {
    TARGETS.iter().find(|(name, _)| *name == figure).map(|(_, target)| *target)
}

impl Target {
    pub(crate) fn is_met(self, value: f64, ratio: Option<f64>) -> bool {
        match self {
            RatioAtLeast(least) => ratio.is_some_and(|ratio| ratio >= least),
            RatioAtMost(most) => ratio.is_some_and(|ratio| ratio <= most),
            Below(bound) => value < bound,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RatioAtLeast(least) => write!(f, "ratio ≥ {least}"),
            RatioAtMost(most) => write!(f, "ratio ≤ {most}"),
            Below(bound) => write!(f, "< {bound}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_of_the_ratio_or_of_the_value() {
        assert!(RatioAtLeast(1.3).is_met(0.0, Some(1.3)));
        assert!(!RatioAtLeast(1.3).is_met(9.0, Some(1.29)));
        assert!(!RatioAtLeast(1.3).is_met(9.0, None));
        assert!(RatioAtMost(0.5).is_met(9.0, Some(0.5)));
        assert!(!RatioAtMost(0.5).is_met(0.0, Some(0.51)));
        assert!(Below(5.0).is_met(4.99, None));
        assert!(!Below(5.0).is_met(5.0, Some(0.1)));
    }

    #[test]
    fn a_figure_has_one_target_at_most() {
        let mut names: Vec<_> = TARGETS.iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), TARGETS.len());
    }
}
