use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{FlusherLease, Load};
use crate::{Error, Store};

/// The prefix of the names of our jobs.
pub const JOB_PREFIX: &str = "eventflow_";

/// The result of a request to begin a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    Yes,
    /// The allowed number of jobs was already made within a day.
    NoRoom,
    /// The lease is lost, or the ledger names another job by now.
    NotOurs,
}

/// The number of jobs that were made within a day.
#[derive(Debug)]
pub struct Room {
    pub made: i64,
    /// The time when there will be fewer jobs than the limit. None if there are fewer now.
    pub frees_at: Option<DateTime<Utc>>,
}

/// A random name, since the numbers of a restored or second database could equal those of an old job.
pub(super) fn new_name() -> String {
    format!("{JOB_PREFIX}{}", Uuid::new_v4().simple())
}

impl Store {
    /// Counts a job before BigQuery is told of it, and each upload into it. A job that was counted before may go on.
    pub async fn begin_load_job(
        &self,
        lease: FlusherLease,
        load: &Load,
        most_a_day: u32,
    ) -> Result<Begun, Error> {
        let (id, job_id) = (load.id, load.job_id.clone());
        self.run(move |pool| async move {
            let row = sqlx::query!(
                r#"WITH ours AS MATERIALIZED (
                       SELECT FROM loads WHERE id = $2 AND job_id = $3 AND loaded_at IS NULL AND NOT job_over
                          AND EXISTS (SELECT FROM leases WHERE name = 'loads' AND holder = $1 AND until > clock_timestamp())
                   ), room AS MATERIALIZED (
                       SELECT count(*) < $4 AS is_left FROM load_jobs WHERE made_at > statement_timestamp() - interval '1 day'
                   ), known AS MATERIALIZED (
                       SELECT FROM load_jobs WHERE job_id = $3
                   ), begun AS (
                       INSERT INTO load_jobs (job_id, load_id) SELECT $3, $2 FROM ours, room WHERE is_left
                       ON CONFLICT (job_id) DO NOTHING
                   ), tried AS (
                       UPDATE loads SET uploads = uploads + 1 FROM ours, room
                        WHERE id = $2 AND (is_left OR EXISTS (SELECT FROM known))
                   )
                   SELECT EXISTS (SELECT FROM ours) AS "ours!", is_left OR EXISTS (SELECT FROM known) AS "may!" FROM room"#,
                lease.holder,
                id,
                job_id,
                i64::from(most_a_day),
            )
            .fetch_one(&pool)
            .await?;
            Ok(match (row.ours, row.may) {
                (false, _) => Begun::NotOurs,
                (true, false) => Begun::NoRoom,
                (true, true) => Begun::Yes,
            })
        })
        .await
    }

    /// Gives a range whose job was seen to end in error a job of a new name. None where the ledger has moved on.
    pub async fn renew_load_job(&self, lease: FlusherLease, load: &Load) -> Result<Option<Load>, Error> {
        let (old, new_job_id) = (load.clone(), new_name());
        self.run(move |pool| async move {
            let renewed = sqlx::query!(
                "UPDATE loads SET job_id = $4, job_over = false, retry_at = NULL, uploads = 0
                  WHERE id = $2 AND job_id = $3 AND loaded_at IS NULL AND job_over
                    AND EXISTS (SELECT FROM leases WHERE name = 'loads' AND holder = $1 AND until > clock_timestamp())",
                lease.holder,
                old.id,
                old.job_id,
                new_job_id
            )
            .execute(&pool)
            .await?;
            let is_renewed = renewed.rows_affected() == 1;
            Ok(is_renewed.then_some(Load { job_id: new_job_id, job_over: false, uploads: 0, ..old }))
        })
        .await
    }

    /// Takes one counted upload back, since an upload that ended early by an error says nothing about the size of the
    /// range.
    pub async fn forgive_upload(&self, lease: FlusherLease, load: &Load) -> Result<(), Error> {
        let (id, job_id) = (load.id, load.job_id.clone());
        self.run(move |pool| async move {
            sqlx::query!(
                "UPDATE loads SET uploads = greatest(uploads - 1, 0)
                  WHERE id = $2 AND job_id = $3 AND loaded_at IS NULL
                    AND EXISTS (SELECT FROM leases WHERE name = 'loads' AND holder = $1 AND until > clock_timestamp())",
                lease.holder,
                id,
                job_id
            )
            .execute(&pool)
            .await?;
            Ok(())
        })
        .await
    }

    pub async fn load_room(&self, most_a_day: u32) -> Result<Room, Error> {
        self.run(move |pool| async move {
            // The bound is not `clock_timestamp()`, since that moves while the statement runs, and no index can serve
            // such a bound.
            Ok(sqlx::query_as!(
                Room,
                r#"WITH made AS MATERIALIZED (
                       SELECT made_at FROM load_jobs WHERE made_at > statement_timestamp() - interval '1 day'
                   ), counted AS (
                       SELECT count(*) AS made FROM made
                   )
                   SELECT made AS "made!", CASE WHEN made >= $1 THEN (
                              SELECT made_at + interval '1 day' FROM made ORDER BY made_at
                              OFFSET (SELECT greatest(made - $1, 0) FROM counted) LIMIT 1) END AS frees_at
                     FROM counted"#,
                i64::from(most_a_day)
            )
            .fetch_one(&pool)
            .await?)
        })
        .await
    }

    /// The jobs among these that this ledger has never begun.
    pub async fn unknown_load_jobs(&self, job_ids: Vec<String>) -> Result<Vec<String>, Error> {
        self.run(move |pool| async move {
            Ok(sqlx::query_scalar!(
                r#"SELECT asked.job_id AS "job_id!" FROM unnest($1::text[]) AS asked (job_id)
                    WHERE NOT EXISTS (SELECT FROM load_jobs WHERE load_jobs.job_id = asked.job_id)
                      AND NOT EXISTS (SELECT FROM loads WHERE loads.job_id = asked.job_id)"#,
                &job_ids
            )
            .fetch_all(&pool)
            .await?)
        })
        .await
    }
}
