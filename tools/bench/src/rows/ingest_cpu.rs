use std::time::Duration;

use super::ingest;
use crate::compared::Compared;
use crate::figure::Figure;
use crate::median::median;
use crate::size::Size;
use crate::world::{Ingest, World};
use crate::{Error, processes};

/// CPU seconds for a thousand events: those of ingest beside those of the backends that serve it.
pub(super) async fn measure(world: &World) -> Result<Vec<Figure>, Error> {
    const CONNECTIONS: usize = 64;
    world.pubsub_drops().await?;
    let database = world.migrated_database("ingest_cpu").await?;
    let ingest = Ingest::start(world, &database, &[]).await?;
    let script = ingest::single(&ingest);
    ingest::post(&ingest, CONNECTIONS, world.size.warm_up(), script.clone()).await?;
    let (mut ours, mut backends, mut server) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..Size::ROUNDS {
        world.settle().await?;
        let serving = database.backends().await?;
        let used = async || {
            let of_all = world.postgres_cpu().await?;
            Ok::<_, Error>((processes::cpu(ingest.service.pid())?, processes::cpu_of_all(&serving)?, of_all))
        };
        let before = used().await?;
        let tally = ingest::post(&ingest, CONNECTIONS, world.size.window(), script.clone()).await?;
        let after = used().await?;
        ours.push(a_thousand(after.0.saturating_sub(before.0), tally.accepted));
        backends.push(a_thousand(after.1.saturating_sub(before.1), tally.accepted));
        server.push(a_thousand(after.2.saturating_sub(before.2), tally.accepted));
    }
    ingest.service.stop().await?;
    world.drop_database(&database).await?;
    let server = median(&server).ok_or("nothing was measured")?;
    let compared = Compared::of(ours, backends)?;
    let figure = Figure::compared("ingest-cpu", "CPU s per 1,000", &compared);
    let whole = Figure::alone("ingest-cpu-postgres", server, "CPU s per 1,000");
    Ok(vec![figure, whole.note("all of PostgreSQL, the background processes among it")])
}

#[allow(clippy::cast_precision_loss)]
pub(super) fn a_thousand(used: Duration, count: u64) -> f64 {
    used.as_secs_f64() * 1_000.0 / count.max(1) as f64
}
