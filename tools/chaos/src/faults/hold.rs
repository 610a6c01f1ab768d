use std::time::Duration;

use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::Fault;
use crate::Error;

/// The point behind the handler. Its transaction is open, and the outcome is not written yet.
const POINT: &str = "after-handler";
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// The time after the end of the attack in which another attempt has to reach the same point: a lease, a call of the
/// relay and a push.
const OVERTAKEN_WITHIN: Duration = Duration::from_secs(15);
/// The process of a held attempt may be dead by now. Such an attempt never ends.
const OVER_WITHIN: Duration = Duration::from_secs(10);

impl Fault {
    /// Holds one attempt until the next attempt of the same event has come to the same point. Then the first attempt
    /// goes on, and the next one goes on when the first has ended. Without fencing both of them take effect.
    pub(super) async fn overtaken(&mut self) -> Result<(), Error> {
        let turn = self.turn("a held attempt");
        let Ok(_turn) = turn.try_lock() else { return Ok(()) };
        let Some(id) = self.held_event().await? else { return Ok(()) };
        let overtaken =
            self.until(self.end + OVERTAKEN_WITHIN, |holds| Ok(holds.attempts(id)?.len() > 1)).await?;
        if overtaken && let Some(first) = self.world().holds.attempts(id)?.first() {
            self.begun();
            self.world().holds.release(id, *first)?;
            self.until(Instant::now() + OVER_WITHIN, |holds| Ok(holds.is_over(id, *first))).await?;
        }
        self.world().holds.release_all(id)
    }

    /// Returns None if the attack ended before an attempt came to the point.
    async fn held_event(&self) -> Result<Option<Uuid>, Error> {
        let holds = &self.world().holds;
        holds.ask(POINT)?;
        loop {
            if let Some(id) = holds.event()? {
                return Ok(Some(id));
            }
            if self.is_over() && holds.withdraw(POINT) {
                return Ok(None);
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Returns false if the condition is not met by that time.
    async fn until(
        &self,
        by: Instant,
        is_so: impl Fn(&crate::world::Holds) -> Result<bool, Error>,
    ) -> Result<bool, Error> {
        while !is_so(&self.world().holds)? {
            if Instant::now() > by {
                return Ok(false);
            }
            sleep(LOOK_EVERY).await;
        }
        Ok(true)
    }
}
