use std::time::Duration;

use sqlx::PgPool;
use tokio::time::timeout;

use super::{ActiveKey, KeyRecord};
use crate::error::unexpected;
use crate::session::in_time;
use crate::{Error, Store};

pub(super) struct Standing {
    pub(super) is_alive: bool,
    pub(super) rotated_to: Option<String>,
}

pub(super) async fn standing(pool: &PgPool, id: &str) -> Result<Option<Standing>, Error> {
    Ok(sqlx::query_as!(
        Standing,
        r#"SELECT revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now()) AS "is_alive!", rotated_to
             FROM api_keys WHERE id = $1"#,
        id
    )
    .fetch_optional(pool)
    .await?)
}

impl Store {
    /// A page of the keys, newest first, and the number of all keys. Keys that have ended stay on record.
    pub async fn keys(&self, offset: i64, limit: i64) -> Result<(Vec<KeyRecord>, i64), Error> {
        self.run(move |pool| async move {
            let keys = sqlx::query_as!(
                KeyRecord,
                "SELECT id, name, event_types, rate_limit, created_at, created_by, expires_at, revoked_at, rotated_to,
                        last_used_at
                   FROM api_keys ORDER BY created_at DESC, id DESC OFFSET $1 LIMIT $2",
                offset,
                limit
            )
            .fetch_all(&pool)
            .await?;
            let total =
                sqlx::query_scalar!(r#"SELECT count(*) AS "total!" FROM api_keys"#).fetch_one(&pool).await?;
            Ok((keys, total))
        })
        .await
    }

    pub async fn key(&self, id: String) -> Result<Option<KeyRecord>, Error> {
        self.run(move |pool| async move {
            Ok(sqlx::query_as!(
                KeyRecord,
                "SELECT id, name, event_types, rate_limit, created_at, created_by, expires_at, revoked_at, rotated_to,
                        last_used_at
                   FROM api_keys WHERE id = $1",
                id
            )
            .fetch_optional(&pool)
            .await?)
        })
        .await
    }

    /// Every key that ingest accepts now.
    pub async fn active_keys(&self) -> Result<Vec<ActiveKey>, Error> {
        let limit = self.statement_limit;
        self.run(move |pool| async move {
            let mut connection = pool.acquire().await?;
            let query = sqlx::query!(
                r#"SELECT id, coalesce(lineage, id) AS "lineage!", secret_hash, event_types, rate_limit,
                          extract(epoch FROM expires_at - now())::float8 AS expires_in
                     FROM api_keys
                    WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())"#
            );
            let rows = timeout(limit, async { Ok(query.fetch_all(&mut *connection).await?) }).await;
            let keys = in_time(connection, rows)?.into_iter().map(|row| {
                Ok(ActiveKey {
                    id: row.id,
                    lineage: row.lineage,
                    hash: row.secret_hash.try_into().map_err(|_| unexpected("a hash of another length"))?,
                    event_types: row.event_types,
                    rate_limit: row.rate_limit.map(u32::try_from).transpose().map_err(unexpected)?,
                    expires_in: row
                        .expires_in
                        .map(Duration::try_from_secs_f64)
                        .transpose()
                        .map_err(unexpected)?,
                })
            });
            keys.collect()
        })
        .await
    }
}
