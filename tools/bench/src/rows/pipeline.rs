use std::time::{Duration, Instant};

use local::stack::Part;
use tokio::time::sleep;

use super::ingest::{inserts, single};
use super::ingest_cpu::a_thousand;
use crate::compared::Compared;
use crate::figure::Figure;
use crate::load::{Closed, Lasts, Script, Tally, at};
use crate::median::median;
use crate::world::{Database, Ingest, Service, World};
use crate::{Error, processes};

const CONNECTIONS: usize = 64;
const ASK_EVERY: Duration = Duration::from_millis(10);
/// Longer than a lost publish waits for the relay.
const PATIENCE: Duration = Duration::from_mins(4);

/// The whole path of an event, from POST to PROCESSED.
pub(super) struct Pipeline {
    pub(super) ingest: Ingest,
    process_push: Service,
    pub(super) database: Database,
}

/// The events that were processed, and their rate.
pub(super) struct Through {
    pub(super) events: u64,
    pub(super) per_second: f64,
}

impl Pipeline {
    pub(super) async fn start(world: &World) -> Result<Self, Error> {
        let database = world.migrated_database("pipeline").await?;
        let process_push = Service::start(world, Part::ProcessPush, &database, &[]).await?;
        world.pubsub_pushes().await?;
        let ingest = Ingest::start(world, &database, &[]).await?;
        Ok(Self { ingest, process_push, database })
    }

    /// Sends as many events as possible for a time, and then waits until all healthy events are processed, because
    /// only a rate at which events also come out is sustained.
    pub(super) async fn sustain<S: Script>(
        &self,
        world: &World,
        lasts: Duration,
        script: S,
        healthy: impl Fn(&Tally<S>) -> u64,
    ) -> Result<Through, Error> {
        let acked = world.pubsub_counted().await?.acked;
        let processed = self.processed().await?;
        let start = Instant::now();
        let address = at(self.ingest.service.port);
        let load = Closed { address, connections: CONNECTIONS, lasts: Lasts::For(lasts) };
        let events = healthy(&load.run(script).await?);
        // Counting acknowledgements costs the database nothing. It can be ahead if events other than the healthy ones
        // are acknowledged, so the processed rows are counted afterwards.
        while world.pubsub_counted().await?.acked < acked + events {
            self.patience(start, lasts)?;
            sleep(ASK_EVERY).await;
        }
        while self.processed().await? < processed + events {
            self.patience(start, lasts)?;
            sleep(ASK_EVERY).await;
        }
        Ok(Through { events, per_second: a_second(events, start.elapsed()) })
    }

    pub(super) async fn stop(self, world: &World) -> Result<(), Error> {
        self.ingest.service.stop().await?;
        self.process_push.stop().await?;
        world.drop_database(&self.database).await
    }

    async fn processed(&self) -> Result<u64, Error> {
        let question = "SELECT count(*) FROM outcomes WHERE status = 'PROCESSED'";
        Ok(self.database.value::<i64>(question).await?.cast_unsigned())
    }

    fn patience(&self, start: Instant, lasts: Duration) -> Result<(), Error> {
        if start.elapsed() < lasts + PATIENCE {
            return Ok(());
        }
        Err(format!("not all events of {} are PROCESSED after {PATIENCE:?}", self.database.name).into())
    }

    async fn used(&self, world: &World) -> Result<[Duration; 3], Error> {
        let services =
            [&self.ingest.service, &self.process_push].map(|service| processes::cpu(service.pid()));
        let [ingest, process_push] = services;
        Ok([ingest?, process_push?, world.postgres_cpu().await?])
    }
}

pub(super) async fn measure(world: &World) -> Result<Vec<Figure>, Error> {
    let mut cpu: [Vec<f64>; 3] = Default::default();
    let compared = Compared::measure(
        async || {
            let pipeline = Pipeline::start(world).await?;
            let script = single(&pipeline.ingest);
            pipeline.sustain(world, world.size.warm_up(), script.clone(), |tally| tally.accepted).await?;
            world.settle().await?;
            let before = pipeline.used(world).await;
            let through =
                pipeline.sustain(world, world.size.window(), script, |tally| tally.accepted).await?;
            // CPU time cannot be read on every system. The rate is a figure without it too.
            if let (Ok(before), Ok(after)) = (before, pipeline.used(world).await) {
                for ((samples, after), before) in cpu.iter_mut().zip(after).zip(before) {
                    samples.push(a_thousand(after.saturating_sub(before), through.events));
                }
            }
            pipeline.stop(world).await?;
            Ok(through.per_second)
        },
        async || inserts(world, world.postgres_port(), CONNECTIONS).await,
    )
    .await?;
    let mut figures = vec![Figure::compared("pipeline", "events/s", &compared)];
    for (name, samples) in ["ingest", "process-push", "postgres"].into_iter().zip(cpu) {
        let used = median(&samples);
        figures
            .extend(used.map(|used| Figure::alone(&format!("pipeline-cpu-{name}"), used, "CPU s per 1,000")));
    }
    Ok(figures)
}

#[allow(clippy::cast_precision_loss)]
fn a_second(events: u64, took: Duration) -> f64 {
    events as f64 / took.as_secs_f64()
}
