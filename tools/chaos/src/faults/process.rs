use local::process::Signal;

use super::{Fault, Kind};
use crate::Error;
use crate::world::World;

/// Longer than the lease of an attempt and than the flusher's.
const FROZEN_MILLIS: std::ops::Range<u64> = 4_500..6_500;

impl Fault {
    pub(super) async fn process(&mut self) -> Result<(), Error> {
        let name = self.pick(&self.targets());
        let turn = self.turn(name);
        let Ok(_turn) = turn.try_lock() else { return Ok(()) };
        let instance = self.world().instance(name)?;
        match self.kind {
            Kind::Kill => {
                self.begun();
                instance.kill().await?;
            }
            Kind::Terminate => {
                self.begun();
                instance.restart().await?;
            }
            _ => {
                let pid = instance.pid();
                if World::signal(pid, Signal::STOP) {
                    self.begun();
                    self.last(FROZEN_MILLIS).await;
                    World::signal(pid, Signal::CONT);
                }
            }
        }
        Ok(())
    }
}
