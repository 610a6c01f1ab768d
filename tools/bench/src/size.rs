use std::time::Duration;

/// The size of a run: how long it measures, and how many rows it fills.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    scale: f64,
}

impl Size {
    pub(crate) const FULL: Self = Self { scale: 1.0 };
    pub(crate) const QUICK: Self = Self { scale: 0.1 };

    pub(crate) fn of(scale: f64) -> Self {
        Self { scale }
    }

    /// Whether the figures are measured at less than the full size.
    pub(crate) fn is_quick(self) -> bool {
        self.scale < 1.0
    }

    /// Each side is measured this many times, in turn with the other.
    pub(crate) const ROUNDS: usize = 3;

    /// The time for which one side is measured. A window below two seconds would show nothing, so a quick run does
    /// not go below it.
    pub(crate) fn window(self) -> Duration {
        Duration::from_secs_f64((10.0 * self.scale).clamp(2.0, 10.0))
    }

    /// The time of the load before the first round.
    pub(crate) fn warm_up(self) -> Duration {
        self.window() / 4
    }

    /// Scales a number of rows.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub(crate) fn rows(self, full: u64) -> u64 {
        (full as f64 * self.scale).max(1_000.0) as u64
    }

    /// The size of the table with which a large table is compared.
    pub(crate) fn small_table(self) -> u64 {
        50_000.min(self.rows(500_000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quick_is_a_tenth_against_the_same_small_table() {
        assert_eq!(Size::QUICK.rows(5_000_000), 500_000);
        assert_eq!(Size::QUICK.small_table(), 50_000);
        assert_eq!(Size::FULL.small_table(), 50_000);
        assert_eq!(Size::QUICK.window(), Duration::from_secs(2));
        assert!(Size::QUICK.is_quick() && !Size::FULL.is_quick());
    }
}
