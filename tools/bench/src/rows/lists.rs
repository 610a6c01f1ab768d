use super::grown::Grown;
use crate::Error;
use crate::figure::Figure;
use crate::world::{Database, World};

/// `GET /admin/events` by status near the end of a large table: once for the status of nearly all events, and once
/// for a rare one.
pub(super) async fn measure(world: &World) -> Result<Vec<Figure>, Error> {
    let grown = Grown::start(world).await?;
    let mut figures = Vec::new();
    for (name, status) in [("list-growth", "PROCESSED"), ("list-growth-rare", "DEAD_LETTER")] {
        let large = page(&grown.large.0, status).await?;
        let small = page(&grown.small.0, status).await?;
        let (compared, _) = grown.ask(world, &large, &small).await?;
        figures.push(Figure::compared(name, "ms", &compared).note(status));
    }
    grown.stop().await?;
    Ok(figures)
}

/// The list is newest first, so a cursor at the oldest tenth of the table has nine tenths of the table before it.
async fn page(database: &Database, status: &str) -> Result<String, Error> {
    let question = "SELECT id FROM events ORDER BY id OFFSET (SELECT rows / 10 FROM bench_grown) LIMIT 1";
    let cursor: uuid::Uuid = database.value(question).await?;
    Ok(format!("/admin/events?status={status}&cursor={cursor}"))
}
