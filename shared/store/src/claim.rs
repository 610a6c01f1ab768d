use std::collections::{HashMap, HashSet};
use std::time::Duration;

use chrono::{DateTime, Utc};
use event::{Delivery, EventId, Json, Status, Tries};
use futures::future::join_all;
use serde_json::value::RawValue;
use sqlx::PgConnection;
use tokio::time::timeout;
use uuid::Uuid;

use crate::finish::number;
use crate::session::in_time;
use crate::text::storable;
use crate::{Error, Store};

/// The process that runs an attempt. It is recorded with the attempt.
#[derive(Clone, Debug)]
pub struct Claimant {
    pub instance: String,
    /// None if the relay runs the event itself.
    pub message_id: Option<String>,
    /// True if the process runs nothing else until the attempt has ended.
    pub alone: bool,
}

impl Claimant {
    /// The claimant of an event that a push of Pub/Sub delivered. Other events may run beside it.
    pub fn of_message(instance: impl Into<String>, message_id: impl Into<String>) -> Self {
        Self { instance: instance.into(), message_id: Some(message_id.into()), alone: false }
    }
}

#[derive(Clone, Copy, Debug)]
pub struct ClaimTerms {
    pub lease: Duration,
    /// The number of lost attempts after which an event may only run alone. If attempts were lost together, one event
    /// is the cause, and it is found by running each of them alone.
    pub isolate_after: u32,
    /// The number of attempts lost alone that ends an event, since an event that kills its process must end too.
    pub max_lost: u32,
}

/// A claimed event. Only the holder of this attempt number may finish it.
#[derive(Debug)]
pub struct Claim {
    pub id: EventId,
    pub event_type: String,
    pub payload: Json,
    pub metadata: Option<Json>,
    pub created_at: DateTime<Utc>,
    /// The trace of the request that brought the event. None if the previous release stored the event.
    pub trace_id: Option<Uuid>,
    pub attempt: u32,
    pub tries: Tries,
}

/// A delivery that waits for its statement.
#[derive(Clone)]
pub(crate) struct Wanted {
    id: EventId,
    claimant: Claimant,
    terms: ClaimTerms,
}

/// The result of the statement for a delivery.
pub(crate) enum Look {
    Decided(Delivery<Claim>),
    /// Another delivery of the event was in the same statement.
    Repeated,
    /// Another transaction holds the row of the event.
    Locked,
    /// The event was in neither `live` nor `outcomes`, so it was being finished. A new statement sees its end.
    BeingFinished,
}

impl Store {
    /// Decides what to do with a delivery, and claims the event if it may run. This is one statement, so that a killed
    /// process leaves nothing half done. Deliveries that arrive together share it.
    pub async fn claim(
        &self,
        id: EventId,
        claimant: Claimant,
        terms: ClaimTerms,
    ) -> Result<Delivery<Claim>, Error> {
        let claimant = Claimant { message_id: claimant.message_id.map(storable), ..claimant };
        let wanted = Wanted { id, claimant, terms };
        let mut looks = 0;
        while looks < 3 {
            match self.look(wanted.clone()).await? {
                Look::Decided(delivery) => return Ok(delivery),
                Look::Repeated => {}
                Look::Locked => self.wait_for(id).await?,
                Look::BeingFinished => looks += 1,
            }
        }
        Err(Error::Database(sqlx::Error::RowNotFound))
    }

    async fn look(&self, wanted: Wanted) -> Result<Look, Error> {
        let store = self.clone();
        let look = self.claims.call(wanted, move |batch| {
            let store = store.clone();
            async move { store.look_at_all(batch).await }
        });
        look.await.unwrap_or(Err(Error::Database(sqlx::Error::WorkerCrashed)))
    }

    /// Looks at all deliveries in one statement. If that fails, each gets a statement of its own, so that an error of
    /// one delivery affects no other.
    async fn look_at_all(&self, batch: Vec<Wanted>) -> Vec<Result<Look, Error>> {
        match self.look_at(batch.clone()).await {
            Ok(looks) => looks.into_iter().map(Ok).collect(),
            Err(error) if batch.len() == 1 => vec![Err(error)],
            Err(error) => {
                tracing::warn!(%error, deliveries = batch.len(), "not claimed together: trying each alone");
                let alone = batch.into_iter().map(|wanted| async {
                    let mut looks = self.look_at(vec![wanted]).await?;
                    Ok(looks.pop().unwrap_or(Look::BeingFinished))
                });
                join_all(alone).await
            }
        }
    }

    async fn look_at(&self, batch: Vec<Wanted>) -> Result<Vec<Look>, Error> {
        let (kept, limit) = (self.kept.clone(), self.statement_limit);
        self.run(move |_| async move {
            let mut seen = HashSet::new();
            let (firsts, order): (Vec<_>, Vec<_>) = batch
                .into_iter()
                .map(|wanted| {
                    let id = wanted.id;
                    (seen.insert(id).then_some(wanted), id)
                })
                .unzip();
            let firsts: Vec<_> = firsts.into_iter().flatten().collect();
            let mut connection = kept.take().await?;
            let found = timeout(limit, look_at(&mut connection, &firsts)).await;
            let mut found = kept.after(connection, found)?;
            Ok(order.into_iter().map(|id| found.remove(&id).unwrap_or(Look::Repeated)).collect())
        })
        .await
    }

    /// Waits until no other transaction holds the event's row.
    async fn wait_for(&self, id: EventId) -> Result<(), Error> {
        let limit = self.statement_limit;
        self.run(move |pool| async move {
            let mut connection = pool.acquire().await?;
            let held = sqlx::query!("SELECT id FROM live WHERE id = $1 FOR NO KEY UPDATE", id.uuid());
            let waited = timeout(limit, async { Ok(held.fetch_optional(&mut *connection).await?) }).await;
            in_time(connection, waited).map(drop)
        })
        .await
    }
}

/// The terms of the first delivery apply to all, since deliveries that arrive together have the terms of this process.
async fn look_at(connection: &mut PgConnection, batch: &[Wanted]) -> Result<HashMap<EventId, Look>, Error> {
    let Some(Wanted { claimant: Claimant { instance, .. }, terms, .. }) = batch.first() else {
        return Ok(HashMap::new());
    };
    let ids: Vec<_> = batch.iter().map(|wanted| wanted.id.uuid()).collect();
    let messages: Vec<_> = batch.iter().map(|wanted| wanted.claimant.message_id.clone()).collect();
    let alone: Vec<_> = batch.iter().map(|wanted| wanted.claimant.alone).collect();
    let rows = sqlx::query_as!(
        Found,
        r#"WITH wanted AS MATERIALIZED (
               SELECT id, message_id, alone FROM unnest($1::uuid[], $3::text[], $6::bool[]) AS wanted (id, message_id, alone)
           ), found AS (
               SELECT *, (status = 'PROCESSING')::int AS is_lost, (status = 'PROCESSING' AND alone)::int AS is_lost_alone
                 FROM live WHERE id = ANY($1) ORDER BY id FOR UPDATE SKIP LOCKED
           ), verdict AS (
               SELECT found.*, CASE
                   WHEN status = 'PROCESSING' AND lease_until > clock_timestamp() THEN 'LEASE_ALIVE'
                   WHEN is_lost_alone = 1 AND lost_alone + 1 >= $5 THEN 'LOST_FOR_GOOD'
                   WHEN retry_at > clock_timestamp() THEN 'TOO_EARLY'
                   WHEN lost + is_lost >= $7 AND NOT wanted.alone THEN 'NEEDS_ISOLATION'
                   ELSE 'CLAIMED' END AS verdict
                 FROM found JOIN wanted USING (id)
           ), lost_attempt AS (
               INSERT INTO attempts (id, attempt, ended, reason, started_at, instance, message_id)
               SELECT id, attempt, 'LOST',
                      CASE is_lost_alone WHEN 1 THEN 'its lease ended and nobody had finished it; nothing else ran in its process'
                                         ELSE 'its lease ended and nobody had finished it' END,
                      started_at, instance, message_id
                 FROM verdict WHERE status = 'PROCESSING' AND verdict IN ('CLAIMED', 'LOST_FOR_GOOD')
           ), claimed AS (
               UPDATE live SET status = 'PROCESSING', attempt = live.attempt + 1,
                      lost = live.lost + is_lost, lost_alone = live.lost_alone + is_lost_alone, alone = wanted.alone,
                      lease_until = clock_timestamp() + $4::float8 * interval '1 second',
                      due_at = greatest(live.due_at, clock_timestamp() + $4::float8 * interval '1 second'),
                      started_at = clock_timestamp(), updated_at = clock_timestamp(),
                      instance = $2, message_id = wanted.message_id
                 FROM verdict JOIN wanted ON wanted.id = verdict.id
                WHERE live.id = verdict.id AND verdict = 'CLAIMED'
               RETURNING live.id, live.attempt, live.retry_count, live.interrupted
           ), pulled AS (
               UPDATE live SET due_at = live.lease_until
                 FROM verdict WHERE live.id = verdict.id AND verdict = 'LEASE_ALIVE' AND live.due_at > live.lease_until
           ), dead AS (
               DELETE FROM live USING verdict WHERE live.id = verdict.id AND verdict = 'LOST_FOR_GOOD' RETURNING live.*
           ), outcome AS (
               INSERT INTO outcomes (id, attempt, status, retry_count, queued_at, started_at, failure_reason)
               SELECT id, attempt, 'DEAD_LETTER', retry_count, queued_at, started_at,
                      format('%s attempts were lost that ran alone in their process, so this event ends the process', lost_alone + 1)
                 FROM dead
           ), fact AS (
               SELECT id, event_type, payload::text AS payload, metadata::text AS metadata, created_at, trace_id
                 FROM events_of(ARRAY(SELECT id FROM claimed))
           )
           SELECT wanted.id AS "id!", verdict AS "verdict?", claimed.attempt AS "attempt?",
                  claimed.retry_count AS "retry_count?", claimed.interrupted AS "interrupted?",
                  fact.event_type AS "event_type?", fact.payload AS "payload?", fact.metadata AS "metadata?", fact.created_at AS "created_at?", fact.trace_id AS "trace_id?",
                  CASE WHEN verdict IS NULL THEN
                      (SELECT status::text FROM outcomes_of(ARRAY[wanted.id]) ORDER BY attempt DESC LIMIT 1) END AS ended,
                  CASE WHEN verdict IS NULL THEN EXISTS (SELECT FROM events_of(ARRAY[wanted.id])) END AS known,
                  CASE WHEN verdict IS NULL THEN EXISTS (SELECT FROM live WHERE live.id = wanted.id) END AS locked
             FROM wanted
             LEFT JOIN verdict ON verdict.id = wanted.id
             LEFT JOIN claimed ON claimed.id = wanted.id
             LEFT JOIN fact ON fact.id = wanted.id"#,
        &ids,
        instance,
        &messages as &[Option<String>],
        terms.lease.as_secs_f64(),
        number(terms.max_lost),
        &alone,
        number(terms.isolate_after),
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(|row| Ok((row.id.into(), row.look()?))).collect()
}

/// The row that the statement returns for one delivery.
struct Found {
    id: Uuid,
    verdict: Option<String>,
    attempt: Option<i32>,
    retry_count: Option<i32>,
    interrupted: Option<i32>,
    event_type: Option<String>,
    payload: Option<String>,
    metadata: Option<String>,
    created_at: Option<DateTime<Utc>>,
    trace_id: Option<Uuid>,
    ended: Option<String>,
    known: Option<bool>,
    locked: Option<bool>,
}

impl Found {
    fn look(self) -> Result<Look, Error> {
        Ok(match self.verdict.as_deref() {
            Some("LEASE_ALIVE") => Look::Decided(Delivery::LeaseAlive),
            Some("TOO_EARLY") => Look::Decided(Delivery::TooEarly),
            Some("NEEDS_ISOLATION") => Look::Decided(Delivery::NeedsIsolation),
            Some("LOST_FOR_GOOD") => Look::Decided(Delivery::LostForGood),
            Some(_) => {
                let claim = self.claim().ok_or(Error::Database(sqlx::Error::RowNotFound))?;
                Look::Decided(Delivery::Claimed(claim))
            }
            None if self.locked == Some(true) => Look::Locked,
            None => match self.ended.and_then(|status| status.parse::<Status>().ok()) {
                Some(status) => Delivery::of_outcome(status).map_or(Look::BeingFinished, Look::Decided),
                None if self.known == Some(false) => Look::Decided(Delivery::Unknown),
                None => Look::BeingFinished,
            },
        })
    }

    fn claim(self) -> Option<Claim> {
        Some(Claim {
            id: self.id.into(),
            event_type: self.event_type?,
            payload: RawValue::from_string(self.payload?).ok()?,
            metadata: self.metadata.and_then(|text| RawValue::from_string(text).ok()),
            created_at: self.created_at?,
            trace_id: self.trace_id,
            attempt: u32::try_from(self.attempt?).ok()?,
            tries: Tries {
                retry_count: u32::try_from(self.retry_count?).ok()?,
                interrupted: u32::try_from(self.interrupted?).ok()?,
            },
        })
    }
}
