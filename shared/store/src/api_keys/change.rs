use chrono::{DateTime, Utc};

use super::read::standing;
use super::{Change, KeyRecord, KeyRefusal};
use crate::{Act, Error, Store};

/// The settings of a key that are to change.
#[derive(Clone, Debug, Default)]
pub struct KeyChanges {
    pub name: Option<String>,
    pub event_types: Change<Vec<String>>,
    pub rate_limit: Change<i32>,
    pub expires_at: Change<DateTime<Utc>>,
}

impl Store {
    /// Changes a key. A key that has ended is not changed, since a new expiry would make it valid again.
    pub async fn change_key(
        &self,
        id: String,
        changes: KeyChanges,
        act: Act,
    ) -> Result<Result<KeyRecord, KeyRefusal>, Error> {
        self.run(move |pool| async move {
            let sets_event_types = changes.event_types.is_made();
            let event_types = changes.event_types.setting();
            let record = sqlx::query_as!(
                KeyRecord,
                "WITH former AS (
                     SELECT id, api_key_settings(api_keys) AS settings FROM api_keys
                      WHERE id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
                        FOR UPDATE
                 ), changed AS (
                     UPDATE api_keys k
                        SET name = coalesce($2, name),
                            event_types = CASE WHEN $3 THEN $4 ELSE event_types END,
                            rate_limit = CASE WHEN $5 THEN $6 ELSE rate_limit END,
                            expires_at = CASE WHEN $7 THEN $8 ELSE expires_at END
                       FROM former
                      WHERE k.id = former.id AND ($8::timestamptz IS NULL OR $8 > now())
                     RETURNING k.*, json_build_object('from', former.settings, 'to', api_key_settings(k)) AS detail
                 ), noted AS (
                     INSERT INTO audit_log (actor, role, address, request_id, action, target, detail)
                     SELECT $9, $10, $11, $12, 'key.change', id, detail FROM changed
                 )
                 SELECT id, name, event_types, rate_limit, created_at, created_by, expires_at, revoked_at, rotated_to,
                        last_used_at
                   FROM changed",
                id,
                changes.name,
                sets_event_types,
                event_types.as_deref(),
                changes.rate_limit.is_made(),
                changes.rate_limit.setting(),
                changes.expires_at.is_made(),
                changes.expires_at.setting(),
                act.actor,
                act.role,
                act.address,
                act.request_id
            )
            .fetch_optional(&pool)
            .await?;
            Ok(match record {
                Some(record) => Ok(record),
                None => Err(match standing(&pool, &id).await? {
                    None => KeyRefusal::Unknown,
                    Some(standing) if standing.is_alive => KeyRefusal::PastExpiry,
                    Some(_) => KeyRefusal::Ended,
                }),
            })
        })
        .await
    }
}
