//! Gives a range that BigQuery refused another form, since BigQuery may accept its numbers if they are written
//! differently.

use super::{FlusherLease, Load, Numbers, jobs};
use crate::{Error, Store};

impl Store {
    /// Gives a range whose job was seen to end in error another form, and with it a job of a new name. None if the
    /// ledger has changed meanwhile.
    pub async fn reform_load(
        &self,
        lease: FlusherLease,
        load: &Load,
        numbers: Numbers,
        refusal: String,
        why: String,
    ) -> Result<Option<Load>, Error> {
        let (old, new_job_id) = (load.clone(), jobs::new_name());
        self.run(move |pool| async move {
            let is_reformed = sqlx::query_scalar!(
                r#"WITH reformed AS (
                       UPDATE loads SET job_id = $4, numbers = $5, refusal = $6, failure = $7, job_over = false, retry_at = NULL,
                              uploads = 0, changed = 0
                        WHERE id = $2 AND job_id = $3 AND loaded_at IS NULL
                          AND EXISTS (SELECT FROM leases WHERE name = 'loads' AND holder = $1 AND until > clock_timestamp())
                       RETURNING id
                   ), ended AS (
                       UPDATE load_jobs SET ended_at = clock_timestamp(), reason = 'Invalid', message = $7 FROM reformed
                        WHERE load_jobs.job_id = $3
                   )
                   SELECT count(*) = 1 AS "reformed!" FROM reformed"#,
                lease.holder,
                old.id,
                old.job_id,
                new_job_id,
                numbers as Numbers,
                refusal,
                why
            )
            .fetch_one(&pool)
            .await?;
            let load = Load {
                job_id: new_job_id,
                numbers,
                failure: Some(why),
                job_over: false,
                uploads: 0,
                ..old
            };
            Ok(is_reformed.then_some(load))
        })
        .await
    }

    /// The number of ranges that were loaded within a day after a refusal of this kind, for each form.
    pub async fn cured_loads(&self, refusal: String) -> Result<Vec<(Numbers, i64)>, Error> {
        self.run(move |pool| async move {
            let cured = sqlx::query!(
                r#"SELECT numbers AS "numbers: Numbers", count(*) AS "loads!" FROM loads
                    WHERE refusal = $1 AND loaded_at > statement_timestamp() - interval '1 day' AND rejected = 0
                    GROUP BY numbers"#,
                refusal
            )
            .fetch_all(&pool)
            .await?;
            Ok(cured.into_iter().map(|row| (row.numbers, row.loads)).collect())
        })
        .await
    }

    /// Notes how many rows of this range have a number that is not written as it was received. False if the ledger
    /// names another job by now, or the lease is lost.
    pub async fn note_changed_rows(
        &self,
        lease: FlusherLease,
        load: &Load,
        changed: i64,
    ) -> Result<bool, Error> {
        let (id, job_id) = (load.id, load.job_id.clone());
        self.run(move |pool| async move {
            let noted = sqlx::query!(
                "UPDATE loads SET changed = $4
                  WHERE id = $2 AND job_id = $3 AND loaded_at IS NULL
                    AND EXISTS (SELECT FROM leases WHERE name = 'loads' AND holder = $1 AND until > clock_timestamp())",
                lease.holder,
                id,
                job_id,
                changed
            )
            .execute(&pool)
            .await?;
            Ok(noted.rows_affected() == 1)
        })
        .await
    }
}
