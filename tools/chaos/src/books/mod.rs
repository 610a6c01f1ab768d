//! The books are read from the journals, PostgreSQL and BigQuery. They never rely on the counters of a service.

mod balance;
mod database;
mod journal;

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use tokio::time::sleep;
use uuid::Uuid;

use crate::Error;
use crate::warehouse::Warehouse;
use crate::watch::Seen;
use crate::world::World;

pub(crate) use balance::Books;
use database::{Stored, Summary};
use journal::Sent;

/// The number of times that a count is compared while events still move.
const LOOKS: usize = 50;

/// Reads the books at a time when nothing moves any more, except possibly the `stuck` events.
pub(crate) async fn read(
    world: &World,
    journals: &[&Path],
    seen: Seen,
    stuck: &HashSet<Uuid>,
) -> Result<Books, Error> {
    let sent = Sent::read(journals)?;
    let (stored, metrics) = counted(world).await?;
    let rows = Warehouse::of(world).ids().await?;
    let mut books = Books::balance(&sent, &stored, &rows, seen, stuck);
    match metrics {
        Some(metrics) => books.metrics(&metrics, &stored),
        None => books.differ("not settled in time", "the counts change all the time".into()),
    }
    Ok(books)
}

/// Returns the stored rows, and the metrics of the same state. If an event moved in between, both are read again.
async fn counted(world: &World) -> Result<(Stored, Option<Summary>), Error> {
    let mut database = world.database().await?;
    let mut stored = Stored::read(&mut database).await?;
    for _ in 0..LOOKS {
        let metrics = Summary::ask(world).await?;
        let now = Stored::read(&mut database).await?;
        if Summary::of(&now) == Summary::of(&stored) {
            return Ok((now, Some(metrics)));
        }
        stored = now;
        sleep(Duration::from_millis(100)).await;
    }
    Ok((stored, None))
}
