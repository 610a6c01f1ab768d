use std::cmp::Reverse;

use chrono::{DateTime, Utc};
use event::Json;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{Listed, Record};
use crate::error::unexpected;
use crate::{Error, Excerpt};

pub(super) struct Row {
    pub(super) id: Uuid,
    pub(super) event_type: String,
    pub(super) payload: String,
    pub(super) payload_bytes: i32,
    pub(super) metadata: Option<String>,
    pub(super) metadata_bytes: Option<i32>,
    pub(super) status: String,
    pub(super) retry_count: i32,
    pub(super) processed_at: Option<DateTime<Utc>>,
    pub(super) failed_at: Option<DateTime<Utc>>,
    pub(super) failure_reason: Option<String>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
}

/// A statement over rows `r` of `event_records` that sends excerpts, in no order. The text of a payload is made once
/// (`OFFSET 0` ensures this) and after everything that sorts, since a row in a sort has a value that is stored
/// elsewhere only as a reference.
macro_rules! listed {
    ($before:literal, $from:literal $(+ $more:literal)* $(, $argument:expr)*) => {
        sqlx::query_as!(
            crate::records::row::Row,
            $before
                + r#"SELECT r.id AS "id!", r.event_type AS "event_type!",
                      CASE WHEN octet_length(t.payload) <= 16384 THEN t.payload ELSE left(t.payload, 4096) END AS "payload!",
                      octet_length(t.payload) AS "payload_bytes!",
                      CASE WHEN octet_length(t.metadata) <= 16384 THEN t.metadata ELSE left(t.metadata, 4096) END AS metadata,
                      octet_length(t.metadata) AS metadata_bytes,
                      r.status::text AS "status!", r.retry_count AS "retry_count!", r.processed_at, r.failed_at,
                      left(r.failure_reason, 4096) AS failure_reason, r.created_at AS "created_at!", r.updated_at AS "updated_at!"
                 FROM "#
                + $from $(+ $more)*
                + " CROSS JOIN LATERAL (SELECT r.payload::text AS payload, r.metadata::text AS metadata OFFSET 0) AS t",
            $($argument),*
        )
    };
}
pub(super) use listed;

impl Row {
    /// A page, newest first.
    pub(super) fn page(mut rows: Vec<Self>) -> Result<Vec<Listed>, Error> {
        rows.sort_unstable_by_key(|row| Reverse(row.id));
        rows.into_iter().map(Self::listed).collect()
    }

    fn listed(mut self) -> Result<Listed, Error> {
        let payload = Excerpt::of(std::mem::take(&mut self.payload), self.payload_bytes);
        let metadata = self.metadata.take().zip(self.metadata_bytes);
        self.record(payload, metadata.map(|(text, bytes)| Excerpt::of(text, bytes)))
    }

    pub(super) fn whole(mut self) -> Result<Record, Error> {
        let payload = json(std::mem::take(&mut self.payload))?;
        let metadata = self.metadata.take().map(json).transpose()?;
        self.record(payload, metadata)
    }

    fn record<T>(self, payload: T, metadata: Option<T>) -> Result<Record<T>, Error> {
        Ok(Record {
            id: self.id.into(),
            event_type: self.event_type,
            payload,
            metadata,
            status: self.status.parse().map_err(|why: String| unexpected(why))?,
            retry_count: self.retry_count,
            processed_at: self.processed_at,
            failed_at: self.failed_at,
            failure_reason: self.failure_reason,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

pub(super) fn json(text: String) -> Result<Json, Error> {
    RawValue::from_string(text).map_err(unexpected)
}
