use std::time::Duration;

use chrono::{DateTime, Utc};
use event::{Delivery, EventId, Json, Status};
use serde_json::value::RawValue;
use sqlx::PgConnection;
use tokio::time::timeout;

use crate::session::in_time;
use crate::text::storable;
use crate::{Error, Store};

/// Who runs an attempt: it is on record with it.
#[derive(Clone, Debug)]
pub struct Claimant {
    pub instance: String,
    pub message_id: String,
}

#[derive(Clone, Copy, Debug)]
pub struct ClaimTerms {
    pub lease: Duration,
    /// So many lost attempts end an event: a poison that kills the process must end too.
    pub max_lost: u32,
}

/// An event, claimed: only the holder of this attempt number may finish it.
#[derive(Debug)]
pub struct Claim {
    pub id: EventId,
    pub event_type: String,
    pub payload: Json,
    pub metadata: Option<Json>,
    pub created_at: DateTime<Utc>,
    pub attempt: u32,
    pub retry_count: u32,
}

impl Store {
    /// Finds out what a delivery means and, where it means work, takes it: one statement, so that a kill leaves nothing half done.
    pub async fn claim(
        &self,
        id: EventId,
        claimant: Claimant,
        terms: ClaimTerms,
    ) -> Result<Delivery<Claim>, Error> {
        let claimant = Claimant { message_id: storable(claimant.message_id), ..claimant };
        let limit = self.statement_limit;
        self.run(move |pool| async move {
            // An event in neither `live` nor `outcomes` was being finished while the statement looked. A new one sees its end.
            for _ in 0..3 {
                let mut connection = pool.acquire().await?;
                let claimed = timeout(limit, try_claim(&mut connection, id, &claimant, terms)).await;
                if let Some(delivery) = in_time(connection, claimed)? {
                    return Ok(delivery);
                }
            }
            Err(Error::Database(sqlx::Error::RowNotFound))
        })
        .await
    }
}

async fn try_claim(
    connection: &mut PgConnection,
    id: EventId,
    claimant: &Claimant,
    terms: ClaimTerms,
) -> Result<Option<Delivery<Claim>>, Error> {
    let row = sqlx::query!(
        r#"WITH found AS (
               SELECT * FROM live WHERE id = $1 FOR UPDATE
           ), verdict AS (
               SELECT *, CASE
                   WHEN status = 'PROCESSING' AND lease_until > clock_timestamp() THEN 'LEASE_ALIVE'
                   WHEN status = 'PROCESSING' AND lost + 1 >= $5 THEN 'LOST_FOR_GOOD'
                   WHEN status = 'FAILED' AND retry_at > clock_timestamp() THEN 'TOO_EARLY'
                   ELSE 'CLAIMED' END AS verdict
                 FROM found
           ), lost_attempt AS (
               INSERT INTO attempts (id, attempt, ended, reason, started_at, instance, message_id)
               SELECT id, attempt, 'LOST', 'its lease ended and nobody had finished it', started_at, instance, message_id
                 FROM verdict WHERE status = 'PROCESSING' AND verdict <> 'LEASE_ALIVE'
           ), claimed AS (
               UPDATE live SET status = 'PROCESSING', attempt = live.attempt + 1,
                      lost = live.lost + CASE WHEN live.status = 'PROCESSING' THEN 1 ELSE 0 END,
                      lease_until = clock_timestamp() + $4::float8 * interval '1 second',
                      due_at = greatest(live.due_at, clock_timestamp() + $4::float8 * interval '1 second'),
                      started_at = clock_timestamp(), updated_at = clock_timestamp(),
                      instance = $2, message_id = $3
                 FROM verdict WHERE live.id = verdict.id AND verdict = 'CLAIMED'
               RETURNING live.id, live.attempt, live.retry_count
           ), pulled AS (
               UPDATE live SET due_at = live.lease_until
                 FROM verdict WHERE live.id = verdict.id AND verdict = 'LEASE_ALIVE' AND live.due_at > live.lease_until
           ), dead AS (
               DELETE FROM live USING verdict WHERE live.id = verdict.id AND verdict = 'LOST_FOR_GOOD' RETURNING live.*
           ), outcome AS (
               INSERT INTO outcomes (id, attempt, status, retry_count, queued_at, started_at, failure_reason)
               SELECT id, attempt, 'DEAD_LETTER', retry_count, queued_at, started_at,
                      format('the process was lost in %s attempts', lost + 1)
                 FROM dead
           )
           SELECT verdict AS "verdict?", claimed.attempt AS "attempt?", claimed.retry_count AS "retry_count?",
                  event.event_type AS "event_type?", event.payload::text AS payload, event.metadata::text AS metadata,
                  event.created_at AS "created_at?",
                  CASE WHEN verdict IS NULL THEN
                      (SELECT status::text FROM outcomes WHERE outcomes.id = $1 ORDER BY attempt DESC LIMIT 1) END AS ended,
                  CASE WHEN verdict IS NULL THEN EXISTS (SELECT FROM events WHERE events.id = $1) END AS known
             FROM (SELECT 1) AS one
             LEFT JOIN verdict ON true
             LEFT JOIN claimed ON true
             LEFT JOIN events event ON event.id = $1 AND claimed.id IS NOT NULL"#,
        id.uuid(),
        claimant.instance,
        claimant.message_id,
        terms.lease.as_secs_f64(),
        i32::try_from(terms.max_lost).unwrap_or(i32::MAX),
    )
    .fetch_one(connection)
    .await?;
    Ok(match row.verdict.as_deref() {
        Some("LEASE_ALIVE") => Some(Delivery::LeaseAlive),
        Some("TOO_EARLY") => Some(Delivery::TooEarly),
        Some("LOST_FOR_GOOD") => Some(Delivery::LostForGood),
        Some(_) => {
            let claim = (|| {
                Some(Claim {
                    id,
                    event_type: row.event_type?,
                    payload: RawValue::from_string(row.payload?).ok()?,
                    metadata: row.metadata.and_then(|text| RawValue::from_string(text).ok()),
                    created_at: row.created_at?,
                    attempt: u32::try_from(row.attempt?).ok()?,
                    retry_count: u32::try_from(row.retry_count?).ok()?,
                })
            })();
            Some(Delivery::Claimed(claim.ok_or(Error::Database(sqlx::Error::RowNotFound))?))
        }
        None => match row.ended.and_then(|status| status.parse::<Status>().ok()) {
            Some(status) => Delivery::of_outcome(status),
            None if row.known == Some(false) => Some(Delivery::Unknown),
            None => None,
        },
    })
}
