use event::EventId;

use crate::finish::number;
use crate::{Error, Transaction};

impl Transaction {
    /// What the handler `demo.ledger` does: a row that shows whether an effect happened never, once or twice.
    pub async fn append_to_demo_ledger(
        &mut self,
        id: EventId,
        attempt: u32,
        weight: i64,
    ) -> Result<(), Error> {
        sqlx::query!(
            "INSERT INTO demo_ledger (event_id, attempt, weight) VALUES ($1, $2, $3)",
            id.uuid(),
            number(attempt),
            weight
        )
        .execute(&mut **self)
        .await?;
        Ok(())
    }
}
