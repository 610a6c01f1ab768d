use crate::Error;
use crate::compared::Compared;
use crate::figure::Figure;
use crate::load::{Latencies, Open, at};
use crate::pgbench::{self, Run};
use crate::size::Size;
use crate::world::{Ingest, World};

use super::ingest::{post, single};

const CONNECTIONS: usize = 64;

/// `POST /events` at half of the sustained rate. pgbench runs beside it at the same rate, and is no target.
pub(super) async fn measure(world: &World) -> Result<Vec<Figure>, Error> {
    world.pubsub_drops().await?;
    let database = world.migrated_database("latency").await?;
    let ingest = Ingest::start(world, &database, &[]).await?;
    let script = single(&ingest);
    post(&ingest, CONNECTIONS, world.size.warm_up(), script.clone()).await?;
    let most = post(&ingest, CONNECTIONS, world.size.window(), script.clone()).await?.per_second();
    let rate = most / 2.0;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..Size::ROUNDS {
        world.settle().await?;
        let open = Open {
            address: at(ingest.service.port),
            connections: CONNECTIONS,
            rate,
            lasts: world.size.window(),
        };
        ours.push(open.run(script.clone()).await?.latencies);
        world.settle().await?;
        let run = Run {
            port: world.postgres_port(),
            clients: CONNECTIONS,
            script: &pgbench::insert(1),
            lasts: pgbench::Lasts::For(world.size.window()),
            rate: Some(rate),
        };
        theirs.push(world.pgbench.latencies(&run).await?);
    }
    ingest.service.stop().await?;
    world.drop_database(&database).await?;
    let mut figures = Vec::new();
    for (name, percentile) in [("latency-p50", 50.0), ("latency-p99", 99.0)] {
        let of = |all: &[Latencies]| all.iter().map(|one| one.percentile(percentile)).collect();
        let compared = Compared::of(of(&ours), of(&theirs))?;
        figures.push(Figure::compared(name, "ms", &compared).note(format!("at {rate:.0} a second")));
    }
    Ok(figures)
}
