use std::time::Duration;

use reqwest::StatusCode;

use crate::compared::Compared;
use crate::figure::{Figure, NotHere};
use crate::load::{Closed, Lasts, Same, Tally, at};
use crate::pgbench::{self, Run};
use crate::world::{Ingest, World};
use crate::{Error, payload, processes};

const EVENTS_A_BATCH: u32 = 100;

/// `POST /events`, beside pgbench clients that insert one row in each transaction.
pub(super) async fn one_by_one(
    world: &World,
    name: &str,
    connections: usize,
    clients: usize,
) -> Result<Vec<Figure>, Error> {
    world.pubsub_drops().await?;
    let database = world.migrated_database("ingest").await?;
    let ingest = Ingest::start(world, &database, &[]).await?;
    let script = single(&ingest);
    post(&ingest, connections, world.size.warm_up(), script.clone()).await?;
    let mut driver = Driver::new();
    let compared = Compared::measure(
        async || {
            world.settle().await?;
            driver.begin();
            let tally = post(&ingest, connections, world.size.window(), script.clone()).await?;
            driver.end(tally.accepted);
            Ok(tally.per_second())
        },
        async || inserts(world, world.postgres_port(), clients).await,
    )
    .await?;
    let kept: i64 = database.value("SELECT count(*) FROM events").await?;
    if kept.cast_unsigned() < driver.accepted {
        return Err(format!("{} were accepted and {kept} are there", driver.accepted).into());
    }
    let door = ingest.door();
    ingest.service.stop().await?;
    world.drop_database(&database).await?;
    let figure = Figure::compared(name, "events/s", &compared).note(door);
    Ok(vec![figure.note(driver.told())])
}

/// `POST /events/batch`, beside statements with as many rows.
pub(super) async fn in_batches(world: &World, name: &str) -> Result<Vec<Figure>, Error> {
    const CONNECTIONS: usize = 8;
    world.pubsub_drops().await?;
    let database = world.migrated_database("ingest").await?;
    let ingest = Ingest::start(world, &database, &[]).await?;
    let event = payload::event("bench.event", &payload::plain());
    let batch = format!("[{}]", vec![event; EVENTS_A_BATCH as usize].join(","));
    let unknown = world.client.post(ingest.service.url("/events/batch")).send().await?;
    if unknown.status() == StatusCode::NOT_FOUND {
        ingest.service.stop().await?;
        return Err(NotHere("POST /events/batch answers 404".into()).into());
    }
    let script = Same::new(ingest.post("/events/batch").with(batch.as_bytes()));
    let warm = post(&ingest, CONNECTIONS, world.size.warm_up(), script.clone()).await?;
    let mut accepted = warm.accepted;
    let compared = Compared::measure(
        async || {
            world.settle().await?;
            let tally = post(&ingest, CONNECTIONS, world.size.window(), script.clone()).await?;
            accepted += tally.accepted;
            Ok(tally.per_second() * f64::from(EVENTS_A_BATCH))
        },
        async || {
            world.settle().await?;
            let script = pgbench::insert(EVENTS_A_BATCH as usize);
            let run = Run {
                port: world.postgres_port(),
                clients: CONNECTIONS,
                script: &script,
                lasts: pgbench::Lasts::For(world.size.window()),
                rate: None,
            };
            Ok(world.pgbench.per_second(&run).await? * f64::from(EVENTS_A_BATCH))
        },
    )
    .await?;
    // A successful answer may contain refused items, so the rows are counted.
    let kept: i64 = database.value("SELECT count(*) FROM events").await?;
    let wanted = accepted * u64::from(EVENTS_A_BATCH);
    if kept.cast_unsigned() < wanted {
        return Err(format!("{wanted} were accepted and {kept} are there").into());
    }
    let door = ingest.door();
    ingest.service.stop().await?;
    world.drop_database(&database).await?;
    Ok(vec![Figure::compared(name, "events/s", &compared).note(door)])
}

/// The request of one event, which is sent again and again.
pub(super) fn single(ingest: &Ingest) -> Same {
    let body = payload::event("bench.event", &payload::plain());
    Same::new(ingest.post("/events").with(body.as_bytes()))
}

pub(super) async fn post(
    ingest: &Ingest,
    connections: usize,
    lasts: Duration,
    script: Same,
) -> Result<Tally<Same>, Error> {
    Closed { address: at(ingest.service.port), connections, lasts: Lasts::For(lasts) }.run(script).await
}

/// The yardstick of most rows: the inserts a second, one row each.
pub(super) async fn inserts(world: &World, port: u16, clients: usize) -> Result<f64, Error> {
    world.settle().await?;
    let script = pgbench::insert(1);
    let lasts = pgbench::Lasts::For(world.size.window());
    world.pgbench.per_second(&Run { port, clients, script: &script, lasts, rate: None }).await
}

/// The CPU time of the load driver, which shares the machine with the measured services.
struct Driver {
    accepted: u64,
    before: Option<Duration>,
    used: Option<Duration>,
}

impl Driver {
    fn new() -> Self {
        Self { accepted: 0, before: None, used: Some(Duration::ZERO) }
    }

    fn begin(&mut self) {
        self.before = processes::cpu(std::process::id()).ok();
    }

    fn end(&mut self, accepted: u64) {
        let after = processes::cpu(std::process::id()).ok();
        let spent = after.zip(self.before).map(|(after, before)| after.saturating_sub(before));
        self.used = self.used.zip(spent).map(|(used, spent)| used + spent);
        self.accepted += accepted;
    }

    fn told(&self) -> String {
        match self.used {
            Some(used) => format!("driver {:.0} µs of CPU a request", micros_each(used, self.accepted)),
            None => "the driver's CPU is not measured here".into(),
        }
    }
}

#[allow(clippy::cast_precision_loss)]
fn micros_each(used: Duration, count: u64) -> f64 {
    used.as_secs_f64() * 1e6 / count.max(1) as f64
}
