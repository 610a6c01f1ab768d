use local::stack::Part;
use uuid::Uuid;

use super::Fault;
use crate::Error;
use crate::world::INSTANCES;

impl Fault {
    /// Replays dead events, each of them at most once.
    pub(super) async fn replays(&mut self) -> Result<(), Error> {
        let Ok(mut database) = self.world().database().await else { return Ok(()) };
        let dead: Vec<Uuid> = sqlx::query_scalar(
            "SELECT id FROM outcomes WHERE status = 'DEAD_LETTER' AND NOT EXISTS (SELECT FROM replays WHERE replays.id = outcomes.id)
              ORDER BY random() LIMIT 10",
        )
        .fetch_all(&mut database)
        .await
        .unwrap_or_default();
        if !dead.is_empty() {
            self.begun();
        }
        for id in dead {
            let url = format!("{}/admin/events/{id}/replay", self.world().stack.url(Part::Admin));
            // If the answer is lost, the table `replays` tells whether the replay took place.
            let _ = self.world().client.post(url).send().await;
        }
        Ok(())
    }

    /// Restarts every instance, one after another. A migration runs after the first instances and after the second
    /// ones.
    pub(super) async fn upgrade(&mut self) -> Result<(), Error> {
        let turn = self.turn("upgrade");
        let Ok(_turn) = turn.try_lock() else { return Ok(()) };
        self.begun();
        for round in 0..2 {
            for (_, names) in INSTANCES {
                if self.is_over() {
                    return Ok(());
                }
                let turn = self.turn(names[round]);
                let _turn = turn.lock().await;
                self.world().instance(names[round])?.restart().await?;
            }
            self.migrate_and_kill().await?;
        }
        Ok(())
    }

    /// Kills a migration at a random instant, and runs it again to its end. If PostgreSQL is away, the next upgrade
    /// runs the migration.
    async fn migrate_and_kill(&mut self) -> Result<(), Error> {
        let mut killed = self.world().migration().spawn()?;
        self.last(5..150).await;
        killed.kill().await?;
        self.world().migration().output().await?;
        Ok(())
    }
}
