//! The books: what the journal, PostgreSQL and BigQuery say, and never what a service counts of itself.

mod balance;
mod database;
mod journal;

use std::path::Path;

use crate::Error;
use crate::warehouse::Warehouse;
use crate::watch::Seen;
use crate::world::World;

pub(crate) use balance::Books;
use database::{Stored, Summary};
use journal::Sent;

/// Read when nothing moves any more.
pub(crate) async fn read(world: &World, journal: &Path, seen: Seen) -> Result<Books, Error> {
    let sent = Sent::read(journal)?;
    let stored = Stored::read(&mut world.database().await?).await?;
    let rows = Warehouse::of(world).ids().await?;
    let metrics = Summary::ask(world).await?;
    Ok(Books::balance(&sent, &stored, &rows, &metrics, seen))
}
