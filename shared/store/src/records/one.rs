use event::EventId;
use uuid::Uuid;

use super::row::Row;
use super::{Attempt, History, Outcome, Record, Replay};
use crate::{Error, Store};

impl Store {
    pub async fn record(&self, id: EventId) -> Result<Option<Record>, Error> {
        self.run(move |pool| async move {
            let row = sqlx::query_as!(
                Row,
                r#"SELECT r.id AS "id!", r.event_type AS "event_type!", r.payload::text AS "payload!",
                          octet_length(r.payload::text) AS "payload_bytes!", r.metadata::text AS metadata,
                          octet_length(r.metadata::text) AS metadata_bytes, r.status::text AS "status!",
                          r.retry_count AS "retry_count!", r.processed_at, r.failed_at, r.failure_reason,
                          r.created_at AS "created_at!", r.updated_at AS "updated_at!"
                     FROM event_records r WHERE r.id = $1"#,
                id.uuid()
            )
            .fetch_optional(&pool)
            .await?;
            row.map(Row::whole).transpose()
        })
        .await
    }

    /// The trace of the request that brought an event. None if the previous release stored it.
    pub async fn trace_id(&self, id: EventId) -> Result<Option<Uuid>, Error> {
        self.run(move |pool| async move {
            let trace_id = sqlx::query_scalar!("SELECT trace_id FROM events_of(ARRAY[$1::uuid])", id.uuid())
                .fetch_optional(&pool)
                .await?;
            Ok(trace_id.flatten())
        })
        .await
    }

    /// The newest [`History::MOST`] entries of each kind, oldest first.
    pub async fn history(&self, id: EventId) -> Result<History, Error> {
        self.run(move |pool| async move {
            let id = id.uuid();
            let mut attempts = sqlx::query_as!(
                Attempt,
                r#"SELECT attempt, ended, left(reason, 16500) AS "reason!", started_at, ended_at, instance, message_id
                     FROM attempts WHERE id = $1 ORDER BY attempt DESC LIMIT $2"#,
                id,
                History::MOST
            )
            .fetch_all(&pool)
            .await?;
            let mut outcomes = sqlx::query_as!(
                Outcome,
                r#"SELECT attempt, status::text AS "status!", retry_count, started_at, finished_at,
                          left(failure_reason, 16500) AS failure_reason
                     FROM outcomes WHERE id = $1 ORDER BY attempt DESC LIMIT $2"#,
                id,
                History::MOST
            )
            .fetch_all(&pool)
            .await?;
            let mut replays = sqlx::query_as!(
                Replay,
                r#"SELECT attempt, from_status::text AS "from_status!", requested_by, created_at
                     FROM replays WHERE id = $1 ORDER BY attempt DESC LIMIT $2"#,
                id,
                History::MOST
            )
            .fetch_all(&pool)
            .await?;
            attempts.reverse();
            outcomes.reverse();
            replays.reverse();
            Ok(History { attempts, outcomes, replays })
        })
        .await
    }
}
