//! Pushes that were not events of ours, as they were stored.

use chrono::{DateTime, Utc};

use crate::{Error, Period, Store};

/// The number of the newest messages that are named if no page is requested.
const NAMED: i64 = 5;

#[derive(Debug)]
pub struct UnreadableMessages {
    pub count: i64,
    /// The latest few messages.
    pub newest: Vec<UnreadableMessage>,
}

#[derive(Debug)]
pub struct UnreadableMessage {
    pub id: i64,
    pub received_at: DateTime<Utc>,
    pub subscription: Option<String>,
    pub message_id: Option<String>,
    pub reason: String,
    /// The length of the body.
    pub bytes: i32,
}

/// The body of a push, or its first [`UnreadableBody::MOST`] bytes if it is longer.
#[derive(Debug)]
pub struct UnreadableBody(pub Vec<u8>);

impl UnreadableBody {
    /// The most bytes that are returned. A push may be fourteen times as long.
    pub const MOST: i32 = 1024 * 1024;
}

impl Store {
    pub async fn unreadable(&self) -> Result<UnreadableMessages, Error> {
        let count = self.run(|pool| async move {
            let count = sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM unreadable"#);
            Ok(count.fetch_one(&pool).await?)
        });
        let count = count.await?;
        Ok(UnreadableMessages { count, newest: self.unreadable_page(Period::default(), NAMED).await? })
    }

    /// A page of the messages, newest first. Long texts from outside are cut.
    pub async fn unreadable_page(&self, period: Period, limit: i64) -> Result<Vec<UnreadableMessage>, Error> {
        self.run(move |pool| async move {
            let end = period.end();
            Ok(sqlx::query_as!(
                UnreadableMessage,
                r#"SELECT id, received_at, left(subscription, 1024) AS subscription, left(message_id, 1024) AS message_id,
                          left(reason, 4096) AS "reason!", octet_length(body) AS "bytes!"
                     FROM unreadable WHERE received_at >= $1 AND (received_at, id) < ($2, $3)
                    ORDER BY received_at DESC, id DESC LIMIT $4"#,
                period.since(),
                end.at,
                end.id,
                limit
            )
            .fetch_all(&pool)
            .await?)
        })
        .await
    }

    /// One message with its body.
    pub async fn unreadable_message(
        &self,
        id: i64,
    ) -> Result<Option<(UnreadableMessage, UnreadableBody)>, Error> {
        self.run(move |pool| async move {
            let row = sqlx::query!(
                r#"SELECT id, received_at, subscription, message_id, reason, octet_length(body) AS "bytes!",
                          substring(body FROM 1 FOR $2) AS "body!"
                     FROM unreadable WHERE id = $1"#,
                id,
                UnreadableBody::MOST
            )
            .fetch_optional(&pool)
            .await?;
            Ok(row.map(|row| {
                let message = UnreadableMessage {
                    id: row.id,
                    received_at: row.received_at,
                    subscription: row.subscription,
                    message_id: row.message_id,
                    reason: row.reason,
                    bytes: row.bytes,
                };
                (message, UnreadableBody(row.body))
            }))
        })
        .await
    }
}
