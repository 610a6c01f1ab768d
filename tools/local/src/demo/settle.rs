//! Waits until no more changes are expected.

use std::time::Duration;

use event::EventId;
use futures::{StreamExt, stream};
use tokio::time::{Instant, sleep};

use super::{books::Books, progress::Progress, system::System};
use crate::Error;

/// A message that was lost with a dead Pub/Sub is published again within about 40 s.
const PATIENCE: Duration = Duration::from_mins(2);
const PAUSE: Duration = Duration::from_millis(500);
const CONCURRENCY: usize = 16;

pub(super) struct Wait<'a> {
    pub(super) system: &'a System,
    pub(super) progress: &'a Progress,
    /// The first row that can belong to this run.
    pub(super) next_row: u64,
    /// The interval of a flush. If a row were loaded twice, the flush after its first load would load it again.
    pub(super) one_flush: Duration,
}

impl Wait<'_> {
    /// Ends when the books are complete and stay so during another flush, or when the time limit is over.
    pub(super) async fn for_books(mut self, books: &mut Books) {
        let deadline = Instant::now() + PATIENCE + self.one_flush;
        let mut complete = None;
        loop {
            let looked = self.look(books).await;
            self.progress.show(books, looked.as_ref().err(), deadline);
            if looked.is_ok() && books.are_complete() {
                let since: &mut Instant = complete.get_or_insert_with(Instant::now);
                if since.elapsed() >= self.one_flush {
                    return;
                }
            }
            if Instant::now() >= deadline {
                return;
            }
            sleep(PAUSE).await;
        }
    }

    async fn look(&mut self, books: &mut Books) -> Result<(), Error> {
        let ask = async |id: EventId| (id, self.system.status(id).await);
        let asked = stream::iter(books.unfinished()).map(ask);
        let statuses: Vec<_> = asked.buffer_unordered(CONCURRENCY).collect().await;
        for (id, status) in statuses {
            books.set_status(id, status?);
        }
        loop {
            let rows = self.system.row_ids(self.next_row).await?;
            if rows.is_empty() {
                return Ok(());
            }
            for id in &rows {
                books.add_row(id);
            }
            self.next_row += rows.len() as u64;
        }
    }
}
