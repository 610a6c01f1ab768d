use super::{KeyRecord, KeyRefusal, KeySecret, KeySettings};
use crate::{Act, Error, Store};

impl Store {
    pub async fn create_key(
        &self,
        secret: KeySecret,
        settings: KeySettings,
        act: Act,
    ) -> Result<Result<KeyRecord, KeyRefusal>, Error> {
        self.run(move |pool| async move {
            let made = sqlx::query_as!(
                KeyRecord,
                "WITH made AS (
                     INSERT INTO api_keys (id, secret_hash, name, event_types, rate_limit, expires_at, created_by)
                     SELECT $1, $2, $3, $4, $5, $6, $7 WHERE $6::timestamptz IS NULL OR $6 > now()
                     RETURNING *, api_key_settings(api_keys) AS settings
                 ), noted AS (
                     INSERT INTO audit_log (actor, role, address, request_id, action, target, detail)
                     SELECT $7, $8, $9, $10, 'key.create', id, settings FROM made
                 )
                 SELECT id, name, event_types, rate_limit, created_at, created_by, expires_at, revoked_at, rotated_to,
                        last_used_at
                   FROM made",
                secret.id,
                secret.hash.as_slice(),
                settings.name,
                settings.event_types.as_deref(),
                settings.rate_limit,
                settings.expires_at,
                act.actor,
                act.role,
                act.address,
                act.request_id
            )
            .fetch_optional(&pool)
            .await?;
            Ok(made.ok_or(KeyRefusal::PastExpiry))
        })
        .await
    }
}
