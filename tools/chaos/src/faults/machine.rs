use super::Fault;
use crate::Error;
use crate::world::SmallDisk;

/// Faults of the machine itself. They are skipped if this machine does not allow them.
impl Fault {
    pub(super) async fn wrong_clock(&mut self) -> Result<(), Error> {
        let name = self.pick(&self.targets());
        let turn = self.turn(name);
        let Ok(_turn) = turn.try_lock() else { return Ok(()) };
        let offset = self.pick(&["+1h", "-1h"]);
        let Ok(clock) = &self.world().clock else { return Ok(()) };
        let environment = clock.environment(offset);
        self.begun();
        self.world().equip(name, environment)?;
        self.world().instance(name)?.restart().await?;
        self.last(3_000..8_000).await;
        self.world().equip(name, Vec::new())?;
        self.world().instance(name)?.restart().await
    }

    pub(super) async fn fill_disk(&mut self) -> Result<(), Error> {
        let turn = self.turn("PostgreSQL");
        let Ok(_turn) = turn.try_lock() else { return Ok(()) };
        let shared = self.shared.clone();
        let Ok(disk) = &shared.world.disk else { return Ok(()) };
        self.begun();
        let ballast = disk.fill()?;
        self.last(1_000..4_000).await;
        SmallDisk::empty(&ballast)
    }
}
