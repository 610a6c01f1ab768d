use super::grown::filled;
use super::ingest::{post, single};
use crate::Error;
use crate::compared::Compared;
use crate::figure::Figure;
use crate::world::{Ingest, World};

/// The same as `ingest-c64`, with ten million rows in the table, beside an empty table.
pub(super) async fn measure(world: &World) -> Result<Vec<Figure>, Error> {
    const CONNECTIONS: usize = 64;
    world.pubsub_drops().await?;
    let large = filled(world, "grown", world.size.rows(10_000_000)).await?;
    let empty = world.migrated_database("ingest").await?;
    let [port] = local::ports::free()?.map(|port| port.to_string());
    let into_large = Ingest::start(world, &large, &[]).await?;
    let into_empty = Ingest::start(world, &empty, &[("PORT", &port)]).await?;
    let measure = async |ingest: &Ingest, time| -> Result<f64, Error> {
        world.settle().await?;
        Ok(post(ingest, CONNECTIONS, time, single(ingest)).await?.per_second())
    };
    for ingest in [&into_large, &into_empty] {
        measure(ingest, world.size.warm_up()).await?;
    }
    let compared = Compared::measure(
        async || measure(&into_large, world.size.window()).await,
        async || measure(&into_empty, world.size.window()).await,
    )
    .await?;
    into_large.service.stop().await?;
    into_empty.service.stop().await?;
    // The table is now larger than other rows expect, so it is dropped.
    world.drop_database(&large).await?;
    world.drop_database(&empty).await?;
    Ok(vec![Figure::compared("ingest-growth", "events/s", &compared)])
}
