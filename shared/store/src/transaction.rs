use std::ops::{Deref, DerefMut};
use std::time::Duration;

use event::EventId;
use sqlx::pool::PoolConnection;
use sqlx::postgres::PgTransactionManager;
use sqlx::{AssertSqlSafe, PgConnection, Postgres, SqlSafeStr};
use sqlx_core::transaction::TransactionManager;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout_at};

use crate::error::unexpected;
use crate::kept::Kept;
use crate::{Error, Store};

/// A handler's transaction. Its effects commit together with PROCESSED, or not at all. If it is dropped without a
/// commit, its connection is closed and not pooled. Then the server rolls back, and no other caller meets a statement
/// that is still running.
pub struct Transaction {
    connection: Option<PoolConnection<Postgres>>,
    kept: Kept,
    mark: Option<String>,
    _turn: OwnedSemaphorePermit,
}

/// The result of ending an event in its handler's transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Succeeded {
    /// PROCESSED is committed, together with all that the handler wrote.
    Committed,
    /// Another attempt has overtaken this one. Nothing is committed.
    Overtaken,
    /// The handler ended the transaction itself, by a COMMIT or ROLLBACK of its own. Its changes may be committed, but
    /// the event is not ended.
    EndedByHandler,
}

impl Store {
    /// Begins a transaction in which no statement may take longer than `limit`. The wait for a turn takes at most half
    /// of that.
    pub async fn begin(&self, limit: Duration) -> Result<Transaction, Error> {
        let now = Instant::now();
        self.begin_with(now + limit / 2, now + limit, None).await
    }

    /// Begins the transaction of an attempt. `until` bounds the wait for a turn, and every statement.
    pub async fn begin_attempt(
        &self,
        id: EventId,
        attempt: u32,
        until: Instant,
    ) -> Result<Transaction, Error> {
        self.begin_with(until, until, Some(format!("{id}/{attempt}"))).await
    }

    /// The one place where a transaction begins. It begins in a task of its own, since a `begin` that is dropped
    /// half-way leaves its session inside a transaction.
    async fn begin_with(
        &self,
        turn_by: Instant,
        until: Instant,
        mark: Option<String>,
    ) -> Result<Transaction, Error> {
        let turn = timeout_at(turn_by, self.transactions.clone().acquire_owned()).await;
        let Ok(Ok(turn)) = turn else { return Err(sqlx::Error::PoolTimedOut.into()) };
        let kept = self.kept.clone();
        self.run(move |_| async move {
            let mut transaction = Transaction { connection: Some(kept.take().await?), kept, mark, _turn: turn };
            // The statements of a handler are unknown, so they are planned with the usual settings. The mark ends with
            // the transaction.
            let begin = format!(
                "BEGIN; SET LOCAL statement_timeout = {}; SET LOCAL plan_cache_mode = auto; SET LOCAL enable_seqscan = on;
                 SET LOCAL eventflow.attempt = '{}'",
                until.saturating_duration_since(Instant::now()).as_millis().max(1),
                transaction.mark.as_deref().unwrap_or_default(),
            );
            // sqlx counts this begin in its own nesting, so that a `begin` of the handler makes a savepoint.
            let begin = AssertSqlSafe(begin).into_sql_str();
            PgTransactionManager::begin(&mut transaction, Some(begin)).await?;
            Ok(transaction)
        })
        .await
    }
}

impl Transaction {
    /// Ends the event as PROCESSED and commits.
    pub async fn succeed(mut self, id: EventId, attempt: u32) -> Result<Succeeded, Error> {
        tokio::spawn(async move {
            let mark = self.mark.clone();
            if crate::finish::succeed(&mut self, id, attempt, mark.as_deref()).await? {
                self.commit().await?;
                return Ok(Succeeded::Committed);
            }
            Ok(if self.has_its_mark().await? { Succeeded::Overtaken } else { Succeeded::EndedByHandler })
        })
        .await?
    }

    /// False if the transaction that began here is over.
    async fn has_its_mark(&mut self) -> Result<bool, Error> {
        let Some(mark) = self.mark.clone() else { return Ok(true) };
        let set: Option<String> = sqlx::query_scalar("SELECT current_setting('eventflow.attempt', true)")
            .fetch_one(&mut **self)
            .await?;
        Ok(set.is_some_and(|set| set == mark))
    }

    /// Commits. A future that a request can drop must not call this.
    pub(crate) async fn commit(mut self) -> Result<(), Error> {
        if PgTransactionManager::get_transaction_depth(&self) != 1 {
            return Err(unexpected("a nested transaction is open, so this would not commit"));
        }
        PgTransactionManager::commit(&mut self).await?;
        // Only a session that is known to be outside of its transaction is used again.
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
        // Only `commit` and `drop` take the connection, and both end the transaction.
        self.connection.as_ref().expect("a transaction has its connection")
    }
}

impl DerefMut for Transaction {
    #[allow(clippy::expect_used)]
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.connection.as_mut().expect("a transaction has its connection")
    }
}
