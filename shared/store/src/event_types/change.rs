use event::EventType;
use serde_json::value::RawValue;

use super::{Mode, PutSchema};
use crate::error::unexpected;
use crate::{Act, Error, Store};

impl Store {
    /// Makes the next version, unless the current one is the very same. Two calls at once make one version each, one on
    /// top of the other.
    pub async fn put_event_type(
        &self,
        event_type: EventType,
        schema: Box<RawValue>,
        mode: Mode,
        act: Act,
    ) -> Result<PutSchema, Error> {
        self.run(move |pool| async move {
            let new_version = sqlx::query_scalar!(
                r#"WITH made AS (
                     INSERT INTO event_types AS now (event_type, version, mode, schema)
                     VALUES ($1, 1, $2, $3::text::json)
                     ON CONFLICT (event_type) DO UPDATE
                        SET version = now.version + 1, mode = excluded.mode, schema = excluded.schema, updated_at = now(),
                            removed_at = NULL
                      WHERE now.removed_at IS NOT NULL OR now.mode <> excluded.mode
                         OR now.schema::text <> excluded.schema::text
                     RETURNING event_type, version, mode, schema
                 ), kept AS (
                     INSERT INTO event_type_versions (event_type, version, mode, schema, created_by)
                     SELECT event_type, version, mode, schema, $4 FROM made
                 ), noted AS (
                     INSERT INTO audit_log (actor, role, address, request_id, action, target, detail)
                     SELECT $4, $5, $6, $7, 'event-type.put', event_type, json_build_object('version', version, 'mode', mode)
                       FROM made
                 )
                 SELECT version FROM made"#,
                event_type.as_str(),
                mode.as_str(),
                schema.get(),
                act.actor,
                act.role,
                act.address,
                act.request_id
            )
            .fetch_optional(&pool)
            .await?;
            // The previous version is visible, since it was committed before this one could be made.
            let former = sqlx::query!(
                r#"SELECT version, schema::text AS "schema!" FROM event_type_versions
                    WHERE event_type = $1 AND ($2::integer IS NULL OR version < $2) ORDER BY version DESC LIMIT 1"#,
                event_type.as_str(),
                new_version
            )
            .fetch_optional(&pool)
            .await?;
            let former_version = former.as_ref().map_or(0, |former| former.version);
            let schema = former.map(|former| RawValue::from_string(former.schema)).transpose();
            Ok(PutSchema {
                version: new_version.unwrap_or(former_version),
                is_new: new_version.is_some(),
                former: schema.map_err(unexpected)?,
            })
        })
        .await
    }

    /// Removes a type's schema. False if there is none. Its versions stay on record.
    pub async fn remove_event_type(&self, event_type: EventType, act: Act) -> Result<bool, Error> {
        self.run(move |pool| async move {
            let removed = sqlx::query!(
                "WITH removed AS (
                     UPDATE event_types SET removed_at = now(), updated_at = now()
                      WHERE event_type = $1 AND removed_at IS NULL RETURNING event_type, version
                 ), noted AS (
                     INSERT INTO audit_log (actor, role, address, request_id, action, target, detail)
                     SELECT $2, $3, $4, $5, 'event-type.remove', event_type, json_build_object('version', version) FROM removed
                 )
                 SELECT event_type FROM removed",
                event_type.as_str(),
                act.actor,
                act.role,
                act.address,
                act.request_id
            )
            .fetch_optional(&pool)
            .await?;
            Ok(removed.is_some())
        })
        .await
    }
}
