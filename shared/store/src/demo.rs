use event::EventId;

use crate::finish::number;
use crate::{Error, Store, Transaction};

// No migration makes the table, so the statements here are not checked against one.

impl Store {
    /// Makes the table that the handler `demo.ledger` writes to. Several callers at once are safe.
    pub async fn make_demo_ledger(&self) -> Result<(), Error> {
        self.run(|pool| async move {
            sqlx::raw_sql(
                "DO $$ BEGIN
                     PERFORM pg_advisory_xact_lock(hashtext('eventflow.demo'));
                     IF to_regclass('demo_ledger') IS NULL THEN
                         CREATE TABLE demo_ledger (event_id uuid NOT NULL, attempt integer NOT NULL, weight bigint NOT NULL);
                         CREATE INDEX demo_ledger_event ON demo_ledger (event_id);
                     END IF;
                 END $$",
            )
            .execute(&pool)
            .await?;
            Ok(())
        })
        .await
    }
}

impl Transaction {
    /// Ends the session, as the handler `demo.ledger` does on request. This cannot be distinguished from an outage.
    pub async fn end_session(&mut self) -> Result<(), Error> {
        sqlx::query("SELECT pg_terminate_backend(pg_backend_pid())").execute(&mut **self).await?;
        Ok(())
    }

    /// Writes the row of the handler `demo.ledger`. The rows show whether an effect happened never, once or twice.
    pub async fn append_to_demo_ledger(
        &mut self,
        id: EventId,
        attempt: u32,
        weight: i64,
    ) -> Result<(), Error> {
        sqlx::query("INSERT INTO demo_ledger (event_id, attempt, weight) VALUES ($1, $2, $3)")
            .bind(id.uuid())
            .bind(number(attempt))
            .bind(weight)
            .execute(&mut **self)
            .await?;
        Ok(())
    }
}
