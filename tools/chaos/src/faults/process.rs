use std::time::Duration;

use local::process::Signal;
use rand::Rng;
use tokio::time::Instant;

use super::{Fault, Kind};
use crate::Error;
use crate::world::World;

/// Longer than the lease of an attempt and the lease of the flusher.
const FROZEN_MILLIS: std::ops::Range<u64> = 4_500..6_500;
/// The total time of one starvation. A starved process is stopped and continued in turn, for the times below.
const STARVED_MILLIS: std::ops::Range<u64> = 3_000..6_000;
const STANDS_MILLIS: std::ops::Range<u64> = 150..250;
const RUNS_MILLIS: std::ops::Range<u64> = 20..100;

impl Fault {
    pub(super) async fn process(&mut self) -> Result<(), Error> {
        let name = self.pick(&self.targets());
        let turn = self.turn(name);
        let Ok(_turn) = turn.try_lock() else { return Ok(()) };
        match self.kind {
            Kind::Kill => {
                self.begun();
                self.world().instance(name)?.kill().await?;
            }
            Kind::Terminate => {
                self.begun();
                self.world().instance(name)?.restart().await?;
            }
            Kind::StarvedCpu => self.starve(name).await?,
            _ => {
                if self.stop_for(name, FROZEN_MILLIS).await? {
                    self.begun();
                }
            }
        }
        Ok(())
    }

    async fn starve(&mut self, name: &'static str) -> Result<(), Error> {
        self.begun();
        let lasts = Duration::from_millis(self.random.random_range(STARVED_MILLIS));
        let end = (Instant::now() + lasts).min(self.end);
        while Instant::now() < end {
            self.stop_for(name, STANDS_MILLIS).await?;
            self.last(RUNS_MILLIS).await;
        }
        Ok(())
    }

    /// Returns false if the process is not up at this moment.
    async fn stop_for(&mut self, name: &'static str, millis: std::ops::Range<u64>) -> Result<bool, Error> {
        let pid = self.world().instance(name)?.pid();
        let is_stopped = World::signal(pid, Signal::STOP);
        if is_stopped {
            self.last(millis).await;
            World::signal(pid, Signal::CONT);
        }
        Ok(is_stopped)
    }
}
