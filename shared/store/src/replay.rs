use event::{EventId, Status};

use crate::{Act, Error, Store};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replayed {
    /// The event is unfinished again. Its retries start from zero, and its attempt numbers continue.
    Queued,
    /// The event has this status, and only FAILED and DEAD_LETTER can be replayed.
    Not(Status),
    Unknown,
}

impl Store {
    /// Replays an event. Each end is replayed at most once, even by requests at the same time, since the primary key of
    /// `replays` allows one row.
    pub async fn replay(&self, id: EventId, act: Act) -> Result<Replayed, Error> {
        self.run(move |pool| async move {
            let replayed = sqlx::query!(
                "WITH failed AS (
                     SELECT id, attempt FROM live WHERE id = $1 AND status = 'FAILED' FOR UPDATE
                 ), dead AS (
                     SELECT id, attempt, status FROM outcomes_of(ARRAY[$1::uuid]) ORDER BY attempt DESC LIMIT 1
                 ), replay AS (
                     INSERT INTO replays (id, attempt, from_status, requested_by)
                     SELECT id, attempt, 'FAILED'::event_status, $2 FROM failed
                     UNION ALL
                     SELECT id, attempt, status, $2 FROM dead
                      WHERE status = 'DEAD_LETTER' AND NOT EXISTS (SELECT FROM live WHERE id = $1)
                     ON CONFLICT DO NOTHING
                     RETURNING id, attempt, from_status
                 ), again AS (
                     UPDATE live SET status = 'PENDING', retry_count = 0, lost = 0, lost_alone = 0, alone = false, interrupted = 0, retry_at = NULL, failed_at = NULL,
                            failure_reason = NULL, queued_at = now(), updated_at = now(),
                            due_at = now()
                       FROM replay
                      WHERE live.id = replay.id AND live.attempt = replay.attempt AND from_status = 'FAILED'
                 ), risen AS (
                     INSERT INTO live (id, attempt, due_at)
                     SELECT id, attempt, now() FROM replay WHERE from_status = 'DEAD_LETTER'
                 ), noted AS (
                     INSERT INTO audit_log (actor, role, address, request_id, action, target, detail)
                     SELECT $2, $3, $4, $5, 'event.replay', id::text,
                            json_build_object('attempt', attempt, 'fromStatus', from_status)
                       FROM replay
                 )
                 SELECT id FROM replay",
                id.uuid(),
                act.actor,
                act.role,
                act.address,
                act.request_id
            )
            .fetch_optional(&pool)
            .await?;
            if replayed.is_some() {
                return Ok(Replayed::Queued);
            }
            let status = sqlx::query_scalar!(
                "SELECT coalesce((SELECT status FROM live WHERE id = $1),
                                 (SELECT status FROM outcomes_of(ARRAY[$1::uuid]) ORDER BY attempt DESC LIMIT 1))::text
                   FROM events_of(ARRAY[$1::uuid])",
                id.uuid()
            )
            .fetch_optional(&pool)
            .await?;
            Ok(match status.flatten().and_then(|status| status.parse().ok()) {
                Some(status) => Replayed::Not(status),
                None => Replayed::Unknown,
            })
        })
        .await
    }
}
