use chrono::{DateTime, Utc};
use sqlx::PgPool;
use uuid::Uuid;

use super::{Load, Place};
use crate::{Error, Store, Xid};

#[derive(Debug)]
pub struct LoadPage {
    pub rows: Vec<LoadRow>,
    /// Where the next page begins.
    pub next: Option<Place>,
}

#[derive(Debug)]
pub struct LoadRow {
    pub xid: Xid,
    pub id: Uuid,
    pub event_type: String,
    pub payload: String,
    pub metadata: Option<String>,
    pub status: String,
    pub retry_count: i32,
    pub processed_at: Option<DateTime<Utc>>,
    pub failed_at: Option<DateTime<Utc>>,
    pub failure_reason: Option<String>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl LoadRow {
    pub fn place(&self) -> Place {
        Place { xid: self.xid, id: self.id }
    }
}

impl Store {
    /// `size` rows of a range from a place on, in the order of the log. Each page is a short transaction.
    pub async fn load_page(&self, load: &Load, from: Place, size: u32) -> Result<LoadPage, Error> {
        let (to, batch, size) = (load.to(), load.batch, i64::from(size));
        self.run(move |pool| async move {
            match batch {
                None => events(&pool, from, to, size).await,
                Some(batch) => rejects(&pool, batch, from, to, size).await,
            }
        })
        .await
    }
}

/// The index on the xid alone serves: what it finds is in order but for the ids within one transaction.
async fn events(pool: &PgPool, from: Place, to: Place, size: i64) -> Result<LoadPage, Error> {
    let next = sqlx::query!(
        r#"SELECT xid AS "xid: Xid", id FROM events
            WHERE xid >= $1 AND xid <= $3 AND (xid, id) >= ($1, $2) AND (xid, id) < ($3, $4)
            ORDER BY xid, id OFFSET $5 LIMIT 1"#,
        from.xid as Xid,
        from.id,
        to.xid as Xid,
        to.id,
        size
    )
    .fetch_optional(pool)
    .await?
    .map(|row| Place { xid: row.xid, id: row.id });
    let to = next.unwrap_or(to);
    let rows = sqlx::query_as!(
        LoadRow,
        r#"SELECT xid AS "xid!: Xid", id AS "id!", event_type AS "event_type!", payload::text AS "payload!",
                  metadata::text AS metadata, status::text AS "status!", retry_count AS "retry_count!", processed_at, failed_at,
                  failure_reason, created_at AS "created_at!", updated_at AS "updated_at!"
             FROM event_records
            WHERE xid >= $1 AND xid <= $3 AND (xid, id) >= ($1, $2) AND (xid, id) < ($3, $4)
            ORDER BY xid, id"#,
        from.xid as Xid,
        from.id,
        to.xid as Xid,
        to.id,
    )
    .fetch_all(pool)
    .await?;
    Ok(LoadPage { rows, next })
}

async fn rejects(pool: &PgPool, batch: i64, from: Place, to: Place, size: i64) -> Result<LoadPage, Error> {
    let mut rows = sqlx::query_as!(
        LoadRow,
        r#"SELECT $1::xid8 AS "xid!: Xid", id, event_type, payload::text AS "payload!", metadata::text AS metadata, status,
                  retry_count, processed_at, failed_at, failure_reason, created_at, updated_at
             FROM load_rejects WHERE batch = $2 AND id >= $3 AND id < $4 ORDER BY id LIMIT $5::bigint + 1"#,
        from.xid as Xid,
        batch,
        from.id,
        to.id,
        size
    )
    .fetch_all(pool)
    .await?;
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let next = rows.get(size).map(LoadRow::place);
    rows.truncate(size);
    Ok(LoadPage { rows, next })
}
