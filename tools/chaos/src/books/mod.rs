//! The books: what the journals, PostgreSQL and BigQuery say, and never what a service counts of itself.

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

/// So often a count is compared while something moves.
const LOOKS: usize = 50;

/// Read when nothing moves any more, but for what is `stuck`.
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

/// What is stored, and what the metrics say of the same: they are asked again where something has happened meanwhile.
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
