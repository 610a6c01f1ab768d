use event::EventId;

use crate::text::storable;
use crate::{Error, Store};

impl Store {
    /// Handles a message that Pub/Sub gave up on. This says nothing about the event, so an unfinished event is due
    /// again as soon as it may run. True if the event was unfinished.
    pub async fn due_again(&self, id: EventId) -> Result<bool, Error> {
        self.run(move |pool| async move {
            let touched = sqlx::query!(
                "UPDATE live SET due_at = least(due_at, greatest(now(),
                        CASE status WHEN 'PROCESSING' THEN lease_until ELSE retry_at END))
                  WHERE id = $1",
                id.uuid()
            )
            .execute(&pool)
            .await?;
            Ok(touched.rows_affected() == 1)
        })
        .await
    }

    /// True if ingest accepted an event with this id.
    pub async fn is_known(&self, id: EventId) -> Result<bool, Error> {
        self.run(move |pool| async move {
            Ok(sqlx::query_scalar!(
                r#"SELECT EXISTS (SELECT FROM events_of(ARRAY[$1::uuid])) AS "known!""#,
                id.uuid()
            )
            .fetch_one(&pool)
            .await?)
        })
        .await
    }

    /// True if this message brought the event's latest attempt, which failed. Other messages of the event are copies.
    pub async fn brought_latest_attempt(&self, id: EventId, message_id: String) -> Result<bool, Error> {
        self.run(move |pool| async move {
            Ok(sqlx::query_scalar!(
                r#"SELECT EXISTS (SELECT FROM live WHERE id = $1 AND message_id = $2)
                       OR EXISTS (SELECT FROM attempts_of(ARRAY[$1::uuid])
                                   WHERE message_id = $2
                                     AND attempt = (SELECT max(attempt) FROM outcomes_of(ARRAY[$1::uuid]))) AS "brought!""#,
                id.uuid(),
                storable(message_id)
            )
            .fetch_one(&pool)
            .await?)
        })
        .await
    }

    /// Stores a push that cannot be handled.
    pub async fn keep_unreadable(
        &self,
        subscription: Option<String>,
        message_id: Option<String>,
        reason: String,
        body: Vec<u8>,
    ) -> Result<(), Error> {
        self.run(move |pool| async move {
            sqlx::query!(
                "INSERT INTO unreadable (subscription, message_id, reason, body) VALUES ($1, $2, $3, $4)",
                subscription.map(storable),
                message_id.map(storable),
                storable(reason),
                body
            )
            .execute(&pool)
            .await?;
            Ok(())
        })
        .await
    }
}
