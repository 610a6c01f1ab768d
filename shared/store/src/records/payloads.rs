use event::{EventId, EventType, Json};

use super::row::json;
use crate::{Error, Store};

/// The whole payload of an event.
#[derive(Debug)]
pub struct Payload {
    pub id: EventId,
    pub payload: Json,
}

impl Store {
    /// The payloads of a type's events, newest first.
    pub async fn payloads(
        &self,
        event_type: EventType,
        before: Option<EventId>,
        most: i64,
    ) -> Result<Vec<Payload>, Error> {
        self.run(move |pool| async move {
            let rows = sqlx::query!(
                r#"SELECT id, payload::text AS "payload!" FROM events WHERE event_type = $1 AND id < $2
                    ORDER BY id DESC LIMIT $3"#,
                event_type.as_str(),
                before.map_or(uuid::Uuid::max(), EventId::uuid),
                most
            )
            .fetch_all(&pool)
            .await?;
            rows.into_iter()
                .map(|row| Ok(Payload { id: row.id.into(), payload: json(row.payload)? }))
                .collect()
        })
        .await
    }
}
