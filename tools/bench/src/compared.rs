use crate::Error;
use crate::median::median;
use crate::size::Size;

/// Two sides, measured in turn.
pub(crate) struct Compared {
    pub(crate) value: f64,
    pub(crate) yardstick: f64,
    values: Vec<f64>,
    yardsticks: Vec<f64>,
}

impl Compared {
    /// Measures the two sides in turn, since the speed of a machine changes during a run.
    pub(crate) async fn measure(
        mut one: impl AsyncFnMut() -> Result<f64, Error>,
        mut other: impl AsyncFnMut() -> Result<f64, Error>,
    ) -> Result<Self, Error> {
        let (mut values, mut yardsticks) = (Vec::new(), Vec::new());
        for _ in 0..Size::ROUNDS {
            values.push(one().await?);
            yardsticks.push(other().await?);
        }
        Self::of(values, yardsticks)
    }

    pub(crate) fn of(values: Vec<f64>, yardsticks: Vec<f64>) -> Result<Self, Error> {
        let of = |samples: &[f64]| median(samples).ok_or("nothing was measured");
        Ok(Self { value: of(&values)?, yardstick: of(&yardsticks)?, values, yardsticks })
    }

    /// The range of the rounds, which tells how reliable the medians are.
    pub(crate) fn spread(&self) -> String {
        format!("{} against {}", range(&self.values), range(&self.yardsticks))
    }
}

fn range(samples: &[f64]) -> String {
    let lowest = samples.iter().copied().fold(f64::INFINITY, f64::min);
    let highest = samples.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    format!("{}–{}", crate::report::number(lowest), crate::report::number(highest))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn the_sides_take_turns_and_medians_are_kept() {
        let turns = std::cell::RefCell::new(Vec::new());
        let mut values = [10.0, 90.0, 20.0].into_iter();
        let mut yardsticks = [1.0, 5.0, 2.0].into_iter();
        let compared = Compared::measure(
            async || {
                turns.borrow_mut().push('a');
                values.next().ok_or_else(|| "no more".into())
            },
            async || {
                turns.borrow_mut().push('b');
                yardsticks.next().ok_or_else(|| "no more".into())
            },
        );
        let compared = compared.await.unwrap();
        assert_eq!(turns.into_inner().iter().collect::<String>(), "ababab");
        assert!((compared.value - 20.0).abs() < 1e-9 && (compared.yardstick - 2.0).abs() < 1e-9);
        assert_eq!(compared.spread(), "10.0–90.0 against 1.00–5.00");
    }
}
