use std::time::Duration;

use chrono::{DateTime, Utc};
use event::EventId;
use tokio::time::timeout;
use uuid::Uuid;

use crate::session::in_time;
use crate::{Error, Store};

/// An event whose `due_at` has passed.
#[derive(Debug)]
pub struct Overdue {
    pub id: EventId,
    pub event_type: String,
    /// True if another copy would not help: the event was tried before and has waited for its retry, or it was
    /// published again a step ago.
    pub is_stalled: bool,
    /// None if the previous release stored the event.
    pub trace_id: Option<Uuid>,
    /// How long nothing has happened to it, in seconds; a copy of its message is nothing.
    pub waited: f64,
    due_at: DateTime<Utc>,
}

/// The events that the relay runs although they are not overdue, since no delivery has reached them.
#[derive(Clone, Copy, Debug)]
pub struct Undelivered {
    /// The time that Pub/Sub has had for a delivery.
    pub for_at_least: Duration,
    /// Older events are overdue and are found by that.
    pub for_at_most: Duration,
    pub limit: usize,
}

/// The longest wait between two copies, in steps.
const MOST_STEPS: f64 = 8.0;

impl Store {
    /// Takes a page of overdue events, oldest first, and moves them on by a step, so that two relays share the work and
    /// a relay that dies delays a page but loses nothing. An event that has waited long waits half as long again: its
    /// message may be in a queue that is already slow, and a copy at each step would only make that longer.
    pub async fn take_overdue(&self, page: u32, step: Duration) -> Result<Vec<Overdue>, Error> {
        let limit = self.statement_limit;
        self.run(move |pool| async move {
            let mut connection = pool.acquire().await?;
            let query = sqlx::query!(
                r#"WITH page AS (
                       SELECT id FROM live WHERE due_at <= now() ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED
                   ), moved AS (
                       UPDATE live SET due_at = now() + $2::float8 * interval '1 second'
                              * least(greatest(extract(epoch FROM now() - updated_at) / 2 / $2::float8, 1), $3::float8)
                         FROM page WHERE live.id = page.id
                       RETURNING live.id, live.due_at, extract(epoch FROM now() - updated_at)::float8 AS waited,
                              (status <> 'PROCESSING' AND retry_at IS NOT NULL) OR (status = 'PROCESSING' AND message_id IS NULL)
                              OR updated_at <= now() - $2::float8 * interval '1 second' AS is_stalled
                   )
                   SELECT moved.id AS "id!", moved.due_at AS "due_at!", moved.is_stalled AS "is_stalled!", moved.waited AS "waited!",
                          fact.event_type AS "event_type!", fact.trace_id
                     FROM moved JOIN events_of(ARRAY(SELECT id FROM moved)) AS fact ON fact.id = moved.id"#,
                i64::from(page),
                step.as_secs_f64(),
                MOST_STEPS,
            );
            let rows = timeout(limit, async { Ok(query.fetch_all(&mut *connection).await?) }).await;
            Ok(in_time(connection, rows)?
                .into_iter()
                .map(|row| Overdue {
                    id: row.id.into(),
                    event_type: row.event_type,
                    is_stalled: row.is_stalled,
                    trace_id: row.trace_id,
                    waited: row.waited,
                    due_at: row.due_at,
                })
                .collect())
        })
        .await
    }

    /// Events that ingest has published and that no delivery has reached for some time, oldest first. Their ids say how
    /// old they are, so one probe of the primary key finds them, and finds nothing if all is well.
    pub async fn undelivered(&self, which: Undelivered) -> Result<Vec<EventId>, Error> {
        let limit = self.statement_limit;
        self.run(move |pool| async move {
            let mut connection = pool.acquire().await?;
            let query = sqlx::query_scalar!(
                "SELECT id FROM live
                  WHERE id >= (lpad(to_hex((extract(epoch FROM now() - $1::float8 * interval '1 second') * 1000)::bigint), 12, '0')
                               || repeat('0', 20))::uuid
                    AND id < (lpad(to_hex((extract(epoch FROM now() - $2::float8 * interval '1 second') * 1000)::bigint), 12, '0')
                              || repeat('0', 20))::uuid
                    AND status = 'PENDING' AND attempt = 0
                  ORDER BY id LIMIT $3",
                which.for_at_most.as_secs_f64(),
                which.for_at_least.as_secs_f64(),
                i64::try_from(which.limit).unwrap_or(i64::MAX),
            );
            let ids = timeout(limit, async { Ok(query.fetch_all(&mut *connection).await?) }).await;
            Ok(in_time(connection, ids)?.into_iter().map(EventId::from).collect())
        })
        .await
    }

    /// Makes events that Pub/Sub did not accept due again at once, unless something else has happened to them since.
    pub async fn give_back(&self, overdue: Vec<Overdue>) -> Result<(), Error> {
        let (ids, due): (Vec<_>, Vec<_>) =
            overdue.iter().map(|event| (event.id.uuid(), event.due_at)).unzip();
        self.run(move |pool| async move {
            sqlx::query!(
                "UPDATE live SET due_at = now()
                   FROM (SELECT live.id FROM live
                           JOIN unnest($1::uuid[], $2::timestamptz[]) AS back (id, due_at) USING (id, due_at)
                          ORDER BY live.id FOR UPDATE OF live) AS page
                  WHERE live.id = page.id",
                &ids,
                &due,
            )
            .execute(&pool)
            .await?;
            Ok(())
        })
        .await
    }
}
