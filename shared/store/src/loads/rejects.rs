use std::cmp::Reverse;
use std::mem;

use chrono::{DateTime, Utc};
use event::{EventId, Json};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::error::unexpected;
use crate::{Act, Error, Excerpt, Store};

/// An event that BigQuery does not accept. In a list, fields that may be large are excerpts.
#[derive(Debug)]
pub struct Reject<T = Json> {
    pub id: Uuid,
    pub event_type: String,
    pub payload: T,
    pub metadata: Option<T>,
    pub created_at: DateTime<Utc>,
    pub reason: String,
    pub job_id: String,
    pub rejected_at: DateTime<Utc>,
    pub requested_at: Option<DateTime<Utc>>,
    pub reloaded_at: Option<DateTime<Utc>>,
}

impl Store {
    /// A page of the rejects, the newest events first, and the number of all of them. Rejects that were loaded again
    /// stay on record.
    pub async fn rejects(&self, offset: i64, limit: i64) -> Result<(Vec<Reject<Excerpt>>, i64), Error> {
        self.run(move |pool| async move {
            // The skipped rows are skipped in the index, and the text of a payload is made once.
            let mut rows = sqlx::query_as!(
                Row,
                r#"SELECT r.id, event_type,
                          CASE WHEN octet_length(payload) <= 16384 THEN payload ELSE left(payload, 4096) END AS "payload!",
                          octet_length(payload) AS "payload_bytes!",
                          CASE WHEN octet_length(metadata) <= 16384 THEN metadata ELSE left(metadata, 4096) END AS metadata,
                          octet_length(metadata) AS metadata_bytes, created_at, left(reason, 4096) AS "reason!", job_id,
                          rejected_at, requested_at, reloaded_at
                     FROM (SELECT id FROM load_rejects ORDER BY id DESC OFFSET $1 LIMIT $2) AS page
                    CROSS JOIN LATERAL (
                        SELECT l.id, event_type, l.payload::text AS payload, l.metadata::text AS metadata, created_at, reason, job_id,
                               rejected_at, requested_at, reloaded_at
                          FROM load_rejects l WHERE l.id = page.id OFFSET 0) AS r"#,
                offset,
                limit
            )
            .fetch_all(&pool)
            .await?;
            let total = sqlx::query_scalar!(r#"SELECT count(*) AS "total!" FROM load_rejects"#)
                .fetch_one(&pool)
                .await?;
            rows.sort_unstable_by_key(|row| Reverse(row.id));
            Ok((rows.into_iter().map(Row::listed).collect(), total))
        })
        .await
    }

    /// One reject with all of its text.
    pub async fn reject(&self, id: EventId) -> Result<Option<Reject>, Error> {
        self.run(move |pool| async move {
            let row = sqlx::query_as!(
                Row,
                r#"SELECT id, event_type, payload::text AS "payload!", octet_length(payload::text) AS "payload_bytes!",
                          metadata::text AS metadata, octet_length(metadata::text) AS metadata_bytes, created_at, reason, job_id,
                          rejected_at, requested_at, reloaded_at
                     FROM load_rejects WHERE id = $1"#,
                id.uuid()
            )
            .fetch_optional(&pool)
            .await?;
            row.map(Row::whole).transpose()
        })
        .await
    }

    /// Requests another load of these rejects, or of all. Rejects that are loaded by now or already requested are not
    /// counted.
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

struct Row {
    id: Uuid,
    event_type: String,
    payload: String,
    payload_bytes: i32,
    metadata: Option<String>,
    metadata_bytes: Option<i32>,
    created_at: DateTime<Utc>,
    reason: String,
    job_id: String,
    rejected_at: DateTime<Utc>,
    requested_at: Option<DateTime<Utc>>,
    reloaded_at: Option<DateTime<Utc>>,
}

impl Row {
    fn listed(mut self) -> Reject<Excerpt> {
        let payload = Excerpt::of(mem::take(&mut self.payload), self.payload_bytes);
        let metadata = self.metadata.take().zip(self.metadata_bytes);
        self.reject(payload, metadata.map(|(text, bytes)| Excerpt::of(text, bytes)))
    }

    fn whole(mut self) -> Result<Reject, Error> {
        let json = |text| RawValue::from_string(text).map_err(unexpected);
        let payload = json(mem::take(&mut self.payload))?;
        let metadata = self.metadata.take().map(json).transpose()?;
        Ok(self.reject(payload, metadata))
    }

    fn reject<T>(self, payload: T, metadata: Option<T>) -> Reject<T> {
        Reject {
            id: self.id,
            event_type: self.event_type,
            payload,
            metadata,
            created_at: self.created_at,
            reason: self.reason,
            job_id: self.job_id,
            rejected_at: self.rejected_at,
            requested_at: self.requested_at,
            reloaded_at: self.reloaded_at,
        }
    }
}
