use event::EventType;
use serde_json::value::RawValue;

use super::{EventTypeRecord, EventTypeVersion};
use crate::error::unexpected;
use crate::{Error, Store};

impl Store {
    /// A page of the types that have a schema, by name, and the number of all of them.
    pub async fn event_types(&self, offset: i64, limit: i64) -> Result<(Vec<EventTypeRecord>, i64), Error> {
        self.run(move |pool| async move {
            let records = sqlx::query_as!(
                EventTypeRecord,
                "SELECT event_type, version, mode, created_at, updated_at FROM event_types
                  WHERE removed_at IS NULL ORDER BY event_type OFFSET $1 LIMIT $2",
                offset,
                limit
            )
            .fetch_all(&pool)
            .await?;
            let total = sqlx::query_scalar!(
                r#"SELECT count(*) AS "total!" FROM event_types WHERE removed_at IS NULL"#
            )
            .fetch_one(&pool)
            .await?;
            Ok((records, total))
        })
        .await
    }

    pub async fn event_type(&self, event_type: EventType) -> Result<Option<EventTypeRecord>, Error> {
        self.run(move |pool| async move {
            Ok(sqlx::query_as!(
                EventTypeRecord,
                "SELECT event_type, version, mode, created_at, updated_at FROM event_types
                  WHERE removed_at IS NULL AND event_type = $1",
                event_type.as_str()
            )
            .fetch_optional(&pool)
            .await?)
        })
        .await
    }

    /// The newest versions of a type, newest first.
    pub async fn event_type_versions(
        &self,
        event_type: EventType,
        limit: i64,
    ) -> Result<Vec<EventTypeVersion>, Error> {
        self.run(move |pool| async move {
            let rows = sqlx::query!(
                r#"SELECT version, mode, schema::text AS "schema!", created_at, created_by FROM event_type_versions
                    WHERE event_type = $1 ORDER BY version DESC LIMIT $2"#,
                event_type.as_str(),
                limit
            )
            .fetch_all(&pool)
            .await?;
            rows.into_iter()
                .map(|row| {
                    Ok(EventTypeVersion {
                        version: row.version,
                        mode: row.mode,
                        schema: RawValue::from_string(row.schema).map_err(unexpected)?,
                        created_at: row.created_at,
                        created_by: row.created_by,
                    })
                })
                .collect()
        })
        .await
    }
}
