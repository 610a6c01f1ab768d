use std::time::Instant;

/// Hands each thing on when it is due, until the receiver returns false. The things have to come in the order of
/// their times. The sleep of a thread is exact to a few dozen microseconds, the timers of tokio only to a
/// millisecond.
pub(crate) fn at_its_time<T>(
    things: impl IntoIterator<Item = (Instant, T)>,
    mut hand_on: impl FnMut(Instant, T) -> bool,
) {
    for (due, thing) in things {
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        if !hand_on(due, thing) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn nothing_is_handed_on_early_and_nothing_to_nobody() {
        let start = Instant::now();
        let things = (0..10).map(|number| (start + Duration::from_millis(number), number));
        let mut early = 0;
        let mut taken = Vec::new();
        at_its_time(things, |due, number| {
            early += usize::from(Instant::now() < due);
            taken.push(number);
            number < 3
        });
        assert_eq!((early, taken), (0, vec![0, 1, 2, 3]));
    }
}
