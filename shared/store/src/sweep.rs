use std::time::Duration;

use tokio::time::Instant;

use crate::{Error, Store};

/// The most rows that one statement deletes. The statement has locked the rows, so they do not move, and finds them
/// again by their place in the table. For a search of that many keys, the planner would read the whole table.
const CHUNK: u32 = 10_000;
impl Store {
    /// Deletes expired keys, but none that expired within the last hour, since an insert that found one a moment ago
    /// may still look it up.
    pub async fn clear_keys(&self, deadline: Instant) -> Result<u64, Error> {
        self.run(move |pool| async move {
            let mut cleared = 0;
            loop {
                // The statement never waits for a row, so it has no part in a deadlock.
                let chunk = sqlx::query!(
                    "DELETE FROM idempotency_keys WHERE ctid = ANY (ARRAY(
                         SELECT ctid FROM idempotency_keys WHERE expires_at < now() - interval '1 hour'
                          ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED))",
                    i64::from(CHUNK)
                )
                .execute(&pool)
                .await?
                .rows_affected();
                cleared += chunk;
                if chunk < u64::from(CHUNK) || Instant::now() >= deadline {
                    return Ok(cleared);
                }
            }
        })
        .await
    }

    /// Deletes unreadable messages that are older than this, and replays of events that no longer exist.
    pub async fn clear_records(&self, older_than: Duration, deadline: Instant) -> Result<(), Error> {
        let age = older_than.as_secs_f64();
        self.run(move |pool| async move {
            loop {
                let unreadable = sqlx::query!(
                    "DELETE FROM unreadable WHERE ctid = ANY (ARRAY(
                         SELECT ctid FROM unreadable WHERE received_at < now() - $2::float8 * interval '1 second'
                          ORDER BY received_at LIMIT $1 FOR UPDATE SKIP LOCKED))",
                    i64::from(CHUNK),
                    age
                )
                .execute(&pool)
                .await?
                .rows_affected();
                // Replays that the totals have not passed yet still count in the metrics. Each event is looked up alone
                // (`OFFSET 0` ensures this), since a join could be planned for all events and read all of them.
                let replays = sqlx::query!(
                    "DELETE FROM replays WHERE ctid = ANY (ARRAY(
                         SELECT ctid FROM replays
                          WHERE created_at < now() - $2::float8 * interval '1 second'
                            AND xid < (SELECT position FROM cursors
                                        WHERE name = 'totals'
                                          AND system_identifier = (SELECT system_identifier FROM pg_control_system()))
                            AND NOT EXISTS (SELECT FROM events WHERE events.id = replays.id OFFSET 0)
                          ORDER BY created_at LIMIT $1 FOR UPDATE SKIP LOCKED))",
                    i64::from(CHUNK),
                    age
                )
                .execute(&pool)
                .await?
                .rows_affected();
                if unreadable.max(replays) < u64::from(CHUNK) || Instant::now() >= deadline {
                    return Ok(());
                }
            }
        })
        .await
    }
}
