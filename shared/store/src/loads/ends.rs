use std::time::Duration;

use super::{FlusherLease, Load};
use crate::{Error, Store};

/// The reason why a range is tried later, and the wait.
#[derive(Clone, Debug)]
pub struct PutOff {
    pub reason: String,
    pub message: String,
    /// True if the job was seen to end in error. Otherwise the next try asks about the same job again.
    pub job_over: bool,
    /// The first wait. It doubles with each failure, up to the longest wait.
    pub first_wait: Duration,
    pub longest_wait: Duration,
}

impl Store {
    /// Marks a range as loaded. Returns how many of its rows have a number that is not as it was received. None if the
    /// ledger no longer names this job, or the lease is lost.
    pub async fn mark_loaded(
        &self,
        lease: FlusherLease,
        load: &Load,
        bytes: i64,
    ) -> Result<Option<i64>, Error> {
        let (id, job_id) = (load.id, load.job_id.clone());
        self.run(move |pool| async move {
            let marked = sqlx::query_scalar!(
                r#"WITH loaded AS (
                       UPDATE loads SET loaded_at = clock_timestamp(), bytes = $4, failure = NULL, reason = NULL, retry_at = NULL
                        WHERE id = $2 AND job_id = $3 AND loaded_at IS NULL
                          AND EXISTS (SELECT FROM leases WHERE name = 'loads' AND holder = $1 AND until > clock_timestamp())
                       RETURNING batch, from_id, to_id, changed
                   ), ended AS (
                       UPDATE load_jobs SET ended_at = clock_timestamp() FROM loaded WHERE job_id = $3
                   ), again AS (
                       UPDATE load_rejects SET reloaded_at = clock_timestamp(), requested_at = NULL, batch = NULL
                         FROM loaded WHERE load_rejects.batch = loaded.batch AND id >= from_id AND id < to_id
                   )
                   SELECT changed FROM loaded"#,
                lease.holder,
                id,
                job_id,
                bytes
            )
            .fetch_optional(&pool)
            .await?;
            Ok(marked)
        })
        .await
    }

    /// Records why a range is not loaded, and until when it is not tried again, by the database's clock.
    pub async fn put_off_load(&self, lease: FlusherLease, load: &Load, why: PutOff) -> Result<bool, Error> {
        let (id, job_id) = (load.id, load.job_id.clone());
        self.run(move |pool| async move {
            let noted = sqlx::query_scalar!(
                r#"WITH put_off AS (
                       UPDATE loads SET job_over = job_over OR $6, failures = failures + 1, reason = $4, failure = $5,
                              retry_at = clock_timestamp()
                                  + interval '1 second' * least($7::float8 * power(2, least(failures, 30)), $8::float8)
                        WHERE id = $2 AND job_id = $3 AND loaded_at IS NULL
                          AND EXISTS (SELECT FROM leases WHERE name = 'loads' AND holder = $1 AND until > clock_timestamp())
                       RETURNING job_over
                   ), ended AS (
                       UPDATE load_jobs SET ended_at = clock_timestamp(), reason = $4, message = $5
                         FROM put_off WHERE job_id = $3 AND job_over
                   )
                   SELECT count(*) = 1 AS "noted!" FROM put_off"#,
                lease.holder,
                id,
                job_id,
                why.reason,
                why.message,
                why.job_over,
                why.first_wait.as_secs_f64(),
                why.longest_wait.as_secs_f64(),
            )
            .fetch_one(&pool)
            .await?;
            Ok(noted)
        })
        .await
    }

    /// Ends a range of one row whose job was seen to end because of that row, and stores the row with the reason.
    pub async fn reject_load(&self, lease: FlusherLease, load: &Load, reason: String) -> Result<bool, Error> {
        let (id, job_id) = (load.id, load.job_id.clone());
        self.run(move |pool| async move {
            let rejected = sqlx::query_scalar!(
                r#"WITH over AS (
                       UPDATE loads SET loaded_at = clock_timestamp(), rejected = 1, changed = 0, job_over = true, reason = 'Invalid', failure = $4
                        WHERE id = $2 AND job_id = $3 AND loaded_at IS NULL AND rows = 1
                          AND EXISTS (SELECT FROM leases WHERE name = 'loads' AND holder = $1 AND until > clock_timestamp())
                       RETURNING *
                   ), ended AS (
                       UPDATE load_jobs SET ended_at = clock_timestamp(), reason = 'Invalid', message = $4 FROM over
                        WHERE load_jobs.job_id = $3
                   ), again AS (
                       UPDATE load_rejects SET reason = $4, job_id = $3, load_id = $2, rejected_at = clock_timestamp(),
                              requested_at = NULL, batch = NULL
                         FROM over WHERE load_rejects.batch = over.batch AND load_rejects.id >= from_id AND load_rejects.id < to_id
                   ), kept AS (
                       INSERT INTO load_rejects (id, event_type, payload, metadata, status, retry_count, processed_at, failed_at,
                                                 failure_reason, created_at, updated_at, reason, job_id, load_id)
                       SELECT e.id, event_type, payload, metadata, status, retry_count, processed_at, failed_at, failure_reason,
                              e.created_at, updated_at, $4, $3, $2
                         FROM over JOIN event_records e
                           ON batch IS NULL AND xid >= from_xid AND xid <= to_xid
                          AND (xid, e.id) >= (from_xid, from_id) AND (xid, e.id) < (to_xid, to_id)
                       ON CONFLICT (id) DO UPDATE
                          SET reason = excluded.reason, job_id = excluded.job_id, load_id = excluded.load_id,
                              rejected_at = excluded.rejected_at, requested_at = NULL, batch = NULL, reloaded_at = NULL
                   )
                   SELECT count(*) = 1 AS "rejected!" FROM over"#,
                lease.holder,
                id,
                job_id,
                reason
            )
            .fetch_one(&pool)
            .await?;
            Ok(rejected)
        })
        .await
    }
}
