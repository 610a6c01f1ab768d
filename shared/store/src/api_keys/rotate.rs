use std::time::Duration;

use chrono::{DateTime, Utc};

use super::read::standing;
use super::{KeyRecord, KeyRefusal, KeySecret};
use crate::{Act, Error, Store};

/// A key that replaces another.
#[derive(Debug)]
pub struct Rotated {
    pub key: KeyRecord,
    /// The time until which the former key stays valid.
    pub former_expires_at: DateTime<Utc>,
}

impl Store {
    /// Makes a new key with the settings of `id`. The key `id` stays valid for the overlap but never longer than it
    /// would have. A key can be rotated once, since two requests at the same time would otherwise leave an unknown key
    /// behind. A trigger records the line of rotations.
    pub async fn rotate_key(
        &self,
        id: String,
        secret: KeySecret,
        overlap: Duration,
        act: Act,
    ) -> Result<Result<Rotated, KeyRefusal>, Error> {
        self.run(move |pool| async move {
            let row = sqlx::query!(
                r#"WITH former AS (
                       SELECT * FROM api_keys
                        WHERE id = $1 AND rotated_to IS NULL
                          AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
                          FOR UPDATE
                   ), made AS (
                       INSERT INTO api_keys (id, secret_hash, name, event_types, rate_limit, expires_at, created_by)
                       SELECT $2, $3, name, event_types, rate_limit, expires_at, $5 FROM former
                       RETURNING *
                   ), ending AS (
                       UPDATE api_keys k
                          SET expires_at = least(k.expires_at, now() + $4::float8 * interval '1 second'), rotated_to = made.id
                         FROM former, made
                        WHERE k.id = former.id
                       RETURNING k.id, k.expires_at
                   ), noted AS (
                       INSERT INTO audit_log (actor, role, address, request_id, action, target, detail)
                       SELECT $5, $6, $7, $8, 'key.rotate', id,
                              json_build_object('rotatedTo', $2::text, 'formerExpiresAt', expires_at)
                         FROM ending
                   )
                   SELECT made.id, name, event_types, rate_limit, created_at, created_by, made.expires_at,
                          ending.expires_at AS "former_expires_at!"
                     FROM made, ending"#,
                id,
                secret.id,
                secret.hash.as_slice(),
                overlap.as_secs_f64(),
                act.actor,
                act.role,
                act.address,
                act.request_id
            )
            .fetch_optional(&pool)
            .await?;
            let Some(row) = row else {
                return Ok(Err(match standing(&pool, &id).await? {
                    None => KeyRefusal::Unknown,
                    Some(standing) if standing.is_alive => {
                        standing.rotated_to.map_or(KeyRefusal::Ended, KeyRefusal::Rotated)
                    }
                    Some(_) => KeyRefusal::Ended,
                }));
            };
            let key = KeyRecord {
                id: row.id,
                name: row.name,
                event_types: row.event_types,
                rate_limit: row.rate_limit,
                created_at: row.created_at,
                created_by: row.created_by,
                expires_at: row.expires_at,
                revoked_at: None,
                rotated_to: None,
                last_used_at: None,
            };
            Ok(Ok(Rotated { key, former_expires_at: row.former_expires_at }))
        })
        .await
    }
}
