use std::time::Duration;

use local::stack::Part;
use tokio::time::sleep;

use super::ingest::{post, single};
use crate::figure::Figure;
use crate::world::{Ingest, Service, World};
use crate::{Error, processes};

const CONNECTIONS: usize = 64;
/// The time after the start in which a service frees the memory that only the start needs.
const REST: Duration = Duration::from_secs(3);

/// The memory of the services, at rest and while 64 connections send as fast as possible. The largest service counts.
pub(super) async fn measure(world: &World) -> Result<Vec<Figure>, Error> {
    let database = world.migrated_database("idle").await?;
    let ingest = Ingest::start(world, &database, &[]).await?;
    let mut others = Vec::new();
    for part in [Part::ProcessPush, Part::Admin, Part::BqFlush] {
        let open: &[_] = if part == Part::Admin { &[("ADMIN_AUTH", "off")] } else { &[] };
        others.push((part, Service::start(world, part, &database, open).await?));
    }
    world.pubsub_pushes().await?;
    sleep(REST).await;
    let all = || {
        let others = others.iter().map(|(part, service)| (*part, service.pid()));
        others.chain([(Part::Ingest, ingest.service.pid())])
    };
    let at_rest = largest("idle-rest", all().map(|(part, pid)| Ok((part, processes::memory(pid)?.now))))?;
    post(&ingest, CONNECTIONS, world.size.window(), single(&ingest)).await?;
    let at_work = largest("idle-load", all().map(|(part, pid)| Ok((part, processes::memory(pid)?.most))))?;
    ingest.service.stop().await?;
    for (_, service) in others {
        service.stop().await?;
    }
    world.drop_database(&database).await?;
    Ok(vec![at_rest, at_work.note("at the most")])
}

fn largest(name: &str, each: impl Iterator<Item = Result<(Part, f64), Error>>) -> Result<Figure, Error> {
    let each = each.collect::<Result<Vec<_>, _>>()?;
    let most = each.iter().map(|(_, memory)| *memory).fold(0.0, f64::max);
    let told: Vec<_> = each.iter().map(|(part, memory)| format!("{part} {memory:.0}")).collect();
    Ok(Figure::alone(name, most, "MiB").note(told.join(", ")))
}
