use std::ops::{Deref, DerefMut};
use std::time::Duration;

use event::EventId;
use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, PgConnection, Postgres};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout};

use crate::kept::Kept;
use crate::{Error, Store};

/// A handler's transaction. What it does commits together with PROCESSED, or not at all.
/// Dropped without that, its connection is closed and not pooled: the server then rolls back, and a statement that
/// is still running meets nobody.
pub struct Transaction {
    connection: Option<PoolConnection<Postgres>>,
    kept: Kept,
    _turn: OwnedSemaphorePermit,
}

impl Store {
    /// The one place where a transaction begins. It begins in a task of its own, since a `begin` that is dropped
    /// half-way leaves its session inside a transaction. No statement in it may outlast `limit`, and half of that is the
    /// longest to wait for a turn.
    pub async fn begin(&self, limit: Duration) -> Result<Transaction, Error> {
        let by = Instant::now() + limit;
        let turn = timeout(limit / 2, self.transactions.clone().acquire_owned()).await;
        let Ok(Ok(turn)) = turn else { return Err(sqlx::Error::PoolTimedOut.into()) };
        let kept = self.kept.clone();
        self.run(move |_| async move {
            let mut transaction = Transaction { connection: Some(kept.take().await?), kept, _turn: turn };
            // Which statements a handler has nobody knows, so they are planned as everywhere else.
            let begin = format!(
                "BEGIN; SET LOCAL statement_timeout = {}; SET LOCAL plan_cache_mode = auto; SET LOCAL enable_seqscan = on",
                by.saturating_duration_since(Instant::now()).as_millis().max(1)
            );
            sqlx::raw_sql(AssertSqlSafe(begin)).execute(&mut *transaction).await?;
            Ok(transaction)
        })
        .await
    }
}

impl Transaction {
    /// Ends the event as PROCESSED and commits. False where another attempt has overtaken this one: then nothing stays.
    pub async fn succeed(mut self, id: EventId, attempt: u32) -> Result<bool, Error> {
        tokio::spawn(async move {
            if !crate::finish::succeed(&mut self, id, attempt).await? {
                return Ok(false);
            }
            self.commit().await?;
            Ok(true)
        })
        .await?
    }

    /// Not for what a request can drop.
    pub(crate) async fn commit(mut self) -> Result<(), Error> {
        sqlx::raw_sql("COMMIT").execute(&mut *self).await?;
        // Only a session that is known to be out of its transaction is used again.
        if let Some(connection) = self.connection.take() {
            self.kept.keep(connection);
        }
        Ok(())
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            drop(connection.detach());
        }
    }
}

impl Deref for Transaction {
    type Target = PgConnection;

    #[allow(clippy::expect_used)]
    fn deref(&self) -> &PgConnection {
        // It is taken by `commit` and `drop` alone, which end the transaction.
        self.connection.as_ref().expect("a transaction has its connection")
    }
}

impl DerefMut for Transaction {
    #[allow(clippy::expect_used)]
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.connection.as_mut().expect("a transaction has its connection")
    }
}
