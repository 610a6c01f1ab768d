use chrono::{DateTime, Utc};

use super::read::standing;
use super::{KeyRecord, KeyRefusal};
use crate::{Act, Error, Store};

/// What of a key is to be another; the inner None takes it away.
#[derive(Clone, Debug, Default)]
pub struct KeyChanges {
    pub name: Option<String>,
    pub event_types: Option<Option<Vec<String>>>,
    pub rate_limit: Option<Option<i32>>,
    pub expires_at: Option<Option<DateTime<Utc>>>,
}

impl Store {
    /// A key that has ended is not changed, or a new expiry would bring it back to life.
    pub async fn change_key(
        &self,
        id: String,
        changes: KeyChanges,
        act: Act,
    ) -> Result<Result<KeyRecord, KeyRefusal>, Error> {
        self.run(move |pool| async move {
            let has_event_types = changes.event_types.is_some();
            let event_types = changes.event_types.flatten();
            let updated = sqlx::query_as!(
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
                has_event_types,
                event_types.as_deref(),
                changes.rate_limit.is_some(),
                changes.rate_limit.flatten(),
                changes.expires_at.is_some(),
                changes.expires_at.flatten(),
                act.actor,
                act.role,
                act.address,
                act.request_id
            )
            .fetch_optional(&pool)
            .await?;
            Ok(match updated {
                Some(key) => Ok(key),
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
