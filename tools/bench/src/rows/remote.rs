use super::ingest;
use crate::Error;
use crate::compared::Compared;
use crate::delay::SlowWire;
use crate::figure::Figure;
use crate::world::{Ingest, World};

/// The same as `ingest-c256`, with a delay of a millisecond each way to the database, for ingest and for pgbench.
pub(super) async fn measure(world: &World) -> Result<Vec<Figure>, Error> {
    const CONNECTIONS: usize = 256;
    world.pubsub_drops().await?;
    let database = world.migrated_database("ingest_remote").await?;
    let wire = SlowWire::to(world.postgres_port()).await?;
    let there = format!(":{}/", world.postgres_port());
    let url = database.url.replace(&there, &format!(":{}/", wire.port));
    let ingest = Ingest::start(world, &database, &[("DATABASE_URL", &url)]).await?;
    let script = ingest::single(&ingest);
    ingest::post(&ingest, CONNECTIONS, world.size.warm_up(), script.clone()).await?;
    let compared = Compared::measure(
        async || {
            world.settle().await?;
            let tally = ingest::post(&ingest, CONNECTIONS, world.size.window(), script.clone()).await?;
            Ok(tally.per_second())
        },
        async || ingest::inserts(world, wire.port, 64).await,
    )
    .await?;
    ingest.service.stop().await?;
    world.drop_database(&database).await?;
    Ok(vec![Figure::compared("ingest-remote", "events/s", &compared)])
}
