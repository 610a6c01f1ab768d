use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use crate::{Error, Store};

/// So many rows one statement deletes at most. It has locked them, so nobody moves them, and it finds them again by where they lie:
/// to look for so many keys, the planner would read the table.
const CHUNK: u32 = 10_000;
/// So many unreadable messages are named.
const NAMED: i64 = 5;

/// Pushes that were no event of ours.
#[derive(Debug)]
pub struct UnreadableMessages {
    pub count: i64,
    /// The latest few.
    pub newest: Vec<UnreadableMessage>,
}

#[derive(Debug)]
pub struct UnreadableMessage {
    pub received_at: DateTime<Utc>,
    pub subscription: Option<String>,
    pub message_id: Option<String>,
    pub reason: String,
}

impl Store {
    /// Deletes expired keys, but none that expired within the last hour: an insert that found one a moment ago may look it up yet.
    pub async fn clear_keys(&self, deadline: Instant) -> Result<u64, Error> {
        self.run(move |pool| async move {
            let mut cleared = 0;
            loop {
                // Never waits for a row, so it has no part in a deadlock.
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

    /// Deletes unreadable messages that are older than this, and replays of events that are no longer kept.
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
                // What the totals have not passed yet counts in the metrics.
                let replays = sqlx::query!(
                    "DELETE FROM replays WHERE ctid = ANY (ARRAY(
                         SELECT ctid FROM replays
                          WHERE created_at < now() - $2::float8 * interval '1 second'
                            AND xid < (SELECT position FROM cursors
                                        WHERE name = 'totals'
                                          AND system_identifier = (SELECT system_identifier FROM pg_control_system()))
                            AND NOT EXISTS (SELECT FROM events WHERE events.id = replays.id)
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

    pub async fn unreadable(&self) -> Result<UnreadableMessages, Error> {
        self.run(|pool| async move {
            let count = sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM unreadable"#);
            let newest = sqlx::query_as!(
                UnreadableMessage,
                "SELECT received_at, subscription, message_id, reason FROM unreadable ORDER BY id DESC LIMIT $1",
                NAMED
            );
            Ok(UnreadableMessages { count: count.fetch_one(&pool).await?, newest: newest.fetch_all(&pool).await? })
        })
        .await
    }
}
