use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{Act, Error, Store};

/// An event that BigQuery does not take.
#[derive(Debug)]
pub struct Reject {
    pub id: Uuid,
    pub event_type: String,
    pub payload: String,
    pub metadata: Option<String>,
    pub created_at: DateTime<Utc>,
    pub reason: String,
    pub job_id: String,
    pub rejected_at: DateTime<Utc>,
    pub requested_at: Option<DateTime<Utc>>,
    pub reloaded_at: Option<DateTime<Utc>>,
}

impl Store {
    /// A page of the rejects, the newest events first, and how many there are. Those that were loaded again stay on record.
    pub async fn rejects(&self, offset: i64, limit: i64) -> Result<(Vec<Reject>, i64), Error> {
        self.run(move |pool| async move {
            let rejects = sqlx::query_as!(
                Reject,
                r#"SELECT id, event_type, payload::text AS "payload!", metadata::text AS metadata, created_at, reason, job_id,
                          rejected_at, requested_at, reloaded_at
                     FROM load_rejects ORDER BY id DESC OFFSET $1 LIMIT $2"#,
                offset,
                limit
            )
            .fetch_all(&pool)
            .await?;
            let total = sqlx::query_scalar!(r#"SELECT count(*) AS "total!" FROM load_rejects"#)
                .fetch_one(&pool)
                .await?;
            Ok((rejects, total))
        })
        .await
    }

    /// Asks for another load of these rejects, or of all. Those that are loaded by now, or asked for already, are not counted.
    pub async fn retry_rejects(&self, ids: Option<Vec<Uuid>>, act: Act) -> Result<i64, Error> {
        self.run(move |pool| async move {
            let requested = sqlx::query_scalar!(
                r#"WITH asked AS (
                       UPDATE load_rejects SET requested_at = clock_timestamp()
                        WHERE reloaded_at IS NULL AND requested_at IS NULL AND ($1::uuid[] IS NULL OR id = ANY($1))
                       RETURNING id
                   ), counted AS (
                       SELECT count(*) AS requested FROM asked
                   ), noted AS (
                       INSERT INTO audit_log (actor, role, address, request_id, action, detail)
                       SELECT $2, $3, $4, $5, 'rejects.retry', json_build_object('requested', requested, 'ids', $1::uuid[])
                         FROM counted WHERE requested > 0
                   )
                   SELECT requested AS "requested!" FROM counted"#,
                ids.as_deref(),
                act.actor,
                act.role,
                act.address,
                act.request_id
            )
            .fetch_one(&pool)
            .await?;
            Ok(requested)
        })
        .await
    }
}
