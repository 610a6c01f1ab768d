//! The faults that the adversary deals. Each fault begins, lasts for a time, and is taken back.

mod bigquery;
mod edge;
mod hold;
mod kind;
mod machine;
mod operator;
mod postgres;
mod process;
mod pubsub;
mod stand_ins;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::sync::Mutex as Turn;
use tokio::time::{Instant, sleep, sleep_until};

pub(crate) use kind::Kind;

use crate::Error;
use crate::load::Load;
use crate::world::World;
use stand_ins::StandIns;

/// One fault and the state that it works with.
pub(crate) struct Fault {
    pub(crate) kind: Kind,
    /// The same seed makes the same decisions.
    random: StdRng,
    /// The end of the attack. Every fault is taken back by then.
    end: Instant,
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) world: Arc<World>,
    pub(crate) load: Arc<Load>,
    pub(crate) stand_ins: StandIns,
    /// The attacked processes are those with a name that begins with this text.
    targets: &'static str,
    /// One lock for each target that takes only one fault at a time.
    turns: Mutex<BTreeMap<&'static str, Arc<Turn<()>>>>,
    done: Mutex<BTreeMap<&'static str, usize>>,
    /// The current phase of the run, for the progress line.
    phase: Mutex<String>,
}

impl Shared {
    pub(crate) fn new(world: Arc<World>, load: Arc<Load>, targets: &'static str) -> Self {
        let stand_ins = StandIns::new(world.clone());
        Self {
            world,
            load,
            stand_ins,
            targets,
            turns: Mutex::default(),
            done: Mutex::default(),
            phase: Mutex::default(),
        }
    }

    fn count(&self, name: &'static str) {
        *self.done.lock().unwrap_or_else(PoisonError::into_inner).entry(name).or_default() += 1;
    }

    pub(crate) fn enter(&self, phase: impl Into<String>) {
        *self.phase.lock().unwrap_or_else(PoisonError::into_inner) = phase.into();
    }

    pub(crate) fn phase(&self) -> String {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn counted(&self) -> BTreeMap<&'static str, usize> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Fault {
    pub(crate) fn new(kind: Kind, seed: u64, end: Instant, shared: Arc<Shared>) -> Self {
        Self { kind, random: StdRng::seed_from_u64(seed), end, shared }
    }

    /// Runs the fault from its beginning until it is taken back. An error is one of the run itself, not of the system
    /// under attack.
    pub(crate) async fn run(mut self) -> Result<(), Error> {
        match self.kind {
            Kind::Kill | Kind::Freeze | Kind::StarvedCpu | Kind::Terminate => self.process().await,
            Kind::Overtaken => self.overtaken().await,
            Kind::RequestLost | Kind::ResponseLost | Kind::Delay | Kind::HalfOpen | Kind::Reset => {
                self.edge().await
            }
            Kind::ImpatientClients => self.impatient_clients().await,
            Kind::DatabaseCrash => self.crash().await,
            Kind::ConnectionsTerminated => self.terminate_connections().await,
            Kind::ConnectionsExhausted => self.exhaust_connections().await,
            Kind::ReadOnly => self.read_only().await,
            Kind::WriterElsewhere => self.writer_elsewhere().await,
            Kind::HeldTransaction => self.held_transaction().await,
            Kind::LateDuplicates => self.late_duplicates().await,
            Kind::PubsubAway => self.away(local::stack::Part::Pubsub).await,
            Kind::BigqueryAway => self.away(local::stack::Part::Bigquery).await,
            Kind::Duplicates | Kind::Delayed | Kind::Reordered | Kind::Dropped | Kind::PublishRefused => {
                self.pubsub().await
            }
            Kind::Status500
            | Kind::Status503
            | Kind::Status429
            | Kind::AcceptedWithoutAnswer
            | Kind::UploadCut
            | Kind::JobFails
            | Kind::BigquerySlow => self.bigquery().await,
            Kind::Replays => self.replays().await,
            Kind::Upgrade => self.upgrade().await,
            Kind::WrongClock => self.wrong_clock().await,
            Kind::DiskFull => self.fill_disk().await,
        }
    }

    fn begun(&self) {
        self.shared.count(self.kind.name());
    }

    fn world(&self) -> &World {
        &self.shared.world
    }

    fn targets(&self) -> Vec<&'static str> {
        let names = self.world().names().into_iter();
        names.filter(|name| name.starts_with(self.shared.targets)).collect()
    }

    fn turn(&self, of: &'static str) -> Arc<Turn<()>> {
        let mut turns = self.shared.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.entry(of).or_default().clone()
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.random.random_range(0..from.len())]
    }

    fn is_over(&self) -> bool {
        Instant::now() >= self.end
    }

    /// Waits for a random time in this range, but not beyond the end of the attack.
    async fn last(&mut self, millis: std::ops::Range<u64>) {
        let time = Duration::from_millis(self.random.random_range(millis));
        tokio::select! {
            () = sleep(time) => {}
            () = self.until_end() => {}
        }
    }

    async fn until_end(&self) {
        sleep_until(self.end).await;
    }
}
