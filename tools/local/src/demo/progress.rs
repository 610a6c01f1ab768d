//! The progress of the demo: bars on a terminal, and otherwise a line every few seconds.

use std::{cell::Cell, time::Duration};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tokio::time::Instant;

use super::books::Books;
use crate::Error;

const LINE_EVERY: Duration = Duration::from_secs(5);

pub(super) struct Progress {
    bars: MultiProgress,
    sent: ProgressBar,
    processed: ProgressBar,
    rows: ProgressBar,
    next_line: Cell<Instant>,
}

impl Progress {
    pub(super) fn over(examples: usize) -> Result<Self, Error> {
        let style = ProgressStyle::with_template("{prefix:<12} {bar:40} {pos:>5}/{len}  {msg}")?;
        let bars = MultiProgress::new();
        let bar = |prefix: &'static str| {
            let bar = bars.add(ProgressBar::new(examples as u64));
            bar.set_style(style.clone());
            bar.set_prefix(prefix);
            bar
        };
        Ok(Self {
            sent: bar("sent"),
            processed: bar("processed"),
            rows: bar("in BigQuery"),
            bars,
            next_line: Cell::new(Instant::now() + LINE_EVERY),
        })
    }

    pub(super) fn answered(&self) {
        self.sent.inc(1);
    }

    pub(super) fn show(&self, books: &Books, trouble: Option<&Error>, deadline: Instant) {
        let tally = books.tally();
        let left = deadline.saturating_duration_since(Instant::now()).as_secs();
        let waits_for = match trouble {
            Some(error) => format!("{left} s left: {error}"),
            None if books.are_complete() => "waits for one more flush, which must add no row".into(),
            None => format!("{left} s left"),
        };
        self.processed.set_position(tally.processed as u64);
        self.rows.set_position(tally.rows as u64);
        if self.bars.is_hidden() {
            self.line(|| {
                let (processed, rows) = (tally.processed, tally.rows);
                format!("{processed} processed, {rows} in BigQuery, {waits_for}")
            });
        } else {
            self.rows.set_message(waits_for);
        }
    }

    fn line(&self, text: impl Fn() -> String) {
        if Instant::now() >= self.next_line.get() {
            eprintln!("{}", text());
            self.next_line.set(Instant::now() + LINE_EVERY);
        }
    }

    pub(super) fn end(&self) -> Result<(), Error> {
        Ok(self.bars.clear()?)
    }
}
