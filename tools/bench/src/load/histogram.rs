use std::time::Duration;

use hdrhistogram::Histogram;

use crate::Error;

/// Longer latencies are recorded as about this one.
const LONGEST_MICROS: u64 = 3_600_000_000;

/// Latencies with the precision of a microsecond, or of three digits for longer ones.
pub(crate) struct Latencies(Histogram<u64>);

impl Latencies {
    pub(crate) fn new() -> Result<Self, Error> {
        Ok(Self(Histogram::new_with_bounds(1, LONGEST_MICROS, 3)?))
    }

    pub(crate) fn add(&mut self, latency: Duration) {
        self.add_micros(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX));
    }

    pub(crate) fn add_micros(&mut self, micros: u64) {
        self.0.saturating_record(micros);
    }

    /// Returns the percentile in milliseconds.
    #[allow(clippy::cast_precision_loss)]
    pub(crate) fn percentile(&self, percentile: f64) -> f64 {
        self.0.value_at_percentile(percentile) as f64 / 1_000.0
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn percentiles_are_milliseconds() {
        let mut latencies = Latencies::new().unwrap();
        assert!(latencies.is_empty());
        for millis in 1..=100 {
            latencies.add(Duration::from_millis(millis));
        }
        let close = |percentile, wanted: f64| {
            let found = latencies.percentile(percentile);
            assert!((found - wanted).abs() < wanted / 500.0, "{found} is not {wanted}");
        };
        close(50.0, 50.0);
        close(99.0, 99.0);
        close(100.0, 100.0);
    }

    #[test]
    fn one_that_took_for_ever_is_counted_all_the_same() {
        let mut latencies = Latencies::new().unwrap();
        latencies.add(Duration::MAX);
        assert!(latencies.percentile(50.0) >= 3_600_000.0);
    }
}
