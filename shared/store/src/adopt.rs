//! Adoption makes a database that was restored, copied or taken back in time the one that loads. Its transaction ids
//! may be another cluster's, and its ledger may know less than BigQuery. So each row is judged alone: by the ids that
//! BigQuery has, and by what the ledger says of rows that came with it.

use std::time::Duration;

use uuid::Uuid;

use crate::{Act, Error, FlusherLease, Load, Numbers, Store, Xid};

/// The time limit of the one transaction that judges everything. No writer may disturb it.
const LIMIT: Duration = Duration::from_mins(30);

/// The effect that an adoption would have, or had.
#[derive(Debug, PartialEq, Eq)]
pub struct Adoption {
    /// True if the ledger was made in this very cluster.
    pub same_cluster: bool,
    /// Events that are not in BigQuery and that the ledger does not call loaded. They will be loaded.
    pub to_load: i64,
    /// Events that BigQuery has and that the ledger does not call loaded.
    pub loaded_unknown: i64,
    /// Rows in BigQuery of events that this database does not have.
    pub only_in_bigquery: i64,
}

/// The result of an attempt to adopt. Only `Done` has changed anything.
#[derive(Debug, PartialEq, Eq)]
pub enum Adopted {
    Done(Adoption),
    /// The caller does not hold the flusher's lease.
    NotOurs,
    /// Some of the noted ids are missing, or there are others.
    Forgotten,
}

impl Store {
    pub async fn open_loads(&self) -> Result<Vec<Load>, Error> {
        self.run(|pool| async move {
            Ok(sqlx::query_as!(
                Load,
                r#"SELECT id, from_xid AS "from_xid: Xid", from_id, to_xid AS "to_xid: Xid", to_id, rows, job_id, depth, batch,
                          job_over, failure, numbers AS "numbers: Numbers", uploads
                     FROM loads WHERE loaded_at IS NULL ORDER BY id"#
            )
            .fetch_all(&pool)
            .await?)
        })
        .await
    }

    pub async fn forget_adoption(&self) -> Result<(), Error> {
        self.run(|pool| async move {
            sqlx::query!("TRUNCATE adoption").execute(&pool).await?;
            Ok(())
        })
        .await
    }

    /// Notes some of the ids that BigQuery has. Returns how many were not noted before. The caller passes the sum to
    /// the adoption.
    pub async fn note_adoption(&self, ids: Vec<Uuid>) -> Result<u64, Error> {
        self.run(move |pool| async move {
            let noted = sqlx::query!(
                "INSERT INTO adoption SELECT DISTINCT id FROM unnest($1::uuid[]) AS t (id) ON CONFLICT DO NOTHING",
                &ids
            )
            .execute(&pool)
            .await?;
            Ok(noted.rows_affected())
        })
        .await
    }

    /// Computes the effect of an adoption. None if another number of ids is noted, since the database has lost some or
    /// another process notes ids too.
    pub async fn look_at_adoption(&self, noted: u64) -> Result<Option<Adoption>, Error> {
        self.run(move |pool| async move {
            Ok(sqlx::query_as!(
                Adoption,
                r#"SELECT (SELECT system_identifier = (SELECT system_identifier FROM pg_control_system())
                             FROM cursors WHERE name = 'bigquery') AS "same_cluster!",
                          count(*) FILTER (WHERE NOT is_loaded) AS "to_load!",
                          count(*) FILTER (WHERE in_bigquery AND NOT in_ledger) AS "loaded_unknown!",
                          (SELECT count(*) FROM adoption WHERE NOT EXISTS (SELECT FROM events WHERE events.id = adoption.id))
                              AS "only_in_bigquery!"
                     FROM judged_events
                   HAVING (SELECT count(*) FROM adoption) = $1"#,
                number(noted)
            )
            .fetch_optional(&pool)
            .await?)
        })
        .await
    }

    /// Gives the events that are to be loaded a new transaction id, moves all others below it, and begins a ledger from
    /// there. This is the only exception to the append-only log. Exactly `noted` ids of BigQuery must be in the table.
    /// `jobs` are those that BigQuery knows and this ledger did not.
    ///
    /// The adoption waits for a fold that runs, and no fold begins meanwhile, since it would count the same rows again.
    pub async fn adopt(
        &self,
        lease: FlusherLease,
        noted: u64,
        jobs: Vec<String>,
        act: Act,
    ) -> Result<Adopted, Error> {
        let transaction = self.begin(LIMIT).await?;
        tokio::spawn(async move {
            let mut transaction = transaction;
            let connection = &mut *transaction;
            sqlx::query!(
                "LOCK TABLE events, outcomes, replays, loads, load_rejects, adoption IN SHARE ROW EXCLUSIVE MODE"
            )
            .execute(&mut *connection)
            .await?;
            let held = sqlx::query!(
                "SELECT FROM leases WHERE name = 'loads' AND holder = $1 AND until > clock_timestamp() FOR UPDATE",
                lease.holder
            )
            .fetch_optional(&mut *connection)
            .await?;
            if held.is_none() {
                return Ok(Adopted::NotOurs);
            }
            sqlx::query!("SELECT name FROM cursors ORDER BY name FOR UPDATE").fetch_all(&mut *connection).await?;
            let there = sqlx::query_scalar!(r#"SELECT count(*) AS "there!" FROM adoption"#)
                .fetch_one(&mut *connection)
                .await?;
            if there != number(noted) {
                return Ok(Adopted::Forgotten);
            }
            fold_all(connection).await?;
            let done = restamp(connection).await?;
            begin_anew(connection, jobs).await?;
            number_on(connection).await?;
            note(connection, &done, act).await?;
            transaction.commit().await?;
            Ok(Adopted::Done(done))
        })
        .await?
    }
}

fn number(noted: u64) -> i64 {
    i64::try_from(noted).unwrap_or(i64::MAX)
}

/// Counts everything that the totals have not counted, since the cursor that marks what they have counted will be
/// moved.
async fn fold_all(connection: &mut sqlx::PgConnection) -> Result<(), Error> {
    sqlx::query!(
        "WITH cursor AS MATERIALIZED (
             SELECT position, system_identifier = (SELECT system_identifier FROM pg_control_system()) AS same
               FROM cursors WHERE name = 'totals'
         ), typed AS (
             INSERT INTO event_totals (event_type, count)
             SELECT event_type, count(*) FROM events, cursor
              WHERE xid >= position
                 OR (NOT same AND events.xmin NOT IN (SELECT xmin FROM events WHERE xmin <> xid::xid))
              GROUP BY event_type ORDER BY event_type
             ON CONFLICT (event_type) DO UPDATE SET count = event_totals.count + excluded.count
         ), ends AS (
             SELECT status, 1 AS count, extract(epoch FROM finished_at - queued_at) AS seconds FROM outcomes, cursor
              WHERE xid >= position
                 OR (NOT same AND outcomes.xmin NOT IN (SELECT xmin FROM outcomes WHERE xmin <> xid::xid))
             UNION ALL
             SELECT from_status, -1, 0 FROM replays, cursor
              WHERE from_status = 'DEAD_LETTER'
                AND (xid >= position
                     OR (NOT same AND replays.xmin NOT IN (SELECT xmin FROM replays WHERE xmin <> xid::xid)))
         )
         INSERT INTO outcome_totals (status, count, seconds)
         SELECT status, sum(count), sum(seconds) FROM ends GROUP BY status ORDER BY status
         ON CONFLICT (status) DO UPDATE
            SET count = outcome_totals.count + excluded.count, seconds = outcome_totals.seconds + excluded.seconds"
    )
    .execute(&mut *connection)
    .await?;
    Ok(())
}

async fn restamp(connection: &mut sqlx::PgConnection) -> Result<Adoption, Error> {
    let done = sqlx::query_as!(
        Adoption,
        r#"WITH judged AS MATERIALIZED (
               SELECT * FROM judged_events
           ), stamped AS (
               UPDATE events SET xid = CASE WHEN is_loaded THEN '0'::xid8 ELSE pg_current_xact_id() END
                 FROM judged
                WHERE events.id = judged.id AND (NOT is_loaded OR judged.xid >= pg_current_xact_id())
           )
           SELECT (SELECT system_identifier = (SELECT system_identifier FROM pg_control_system())
                     FROM cursors WHERE name = 'bigquery') AS "same_cluster!",
                  count(*) FILTER (WHERE NOT is_loaded) AS "to_load!",
                  count(*) FILTER (WHERE in_bigquery AND NOT in_ledger) AS "loaded_unknown!",
                  (SELECT count(*) FROM adoption WHERE NOT EXISTS (SELECT FROM judged WHERE judged.id = adoption.id))
                      AS "only_in_bigquery!"
             FROM judged"#
    )
    .fetch_one(&mut *connection)
    .await?;
    for restamp in [
        sqlx::query!("UPDATE outcomes SET xid = '0' WHERE xid >= pg_current_xact_id()"),
        sqlx::query!("UPDATE replays SET xid = '0' WHERE xid >= pg_current_xact_id()"),
    ] {
        restamp.execute(&mut *connection).await?;
    }
    Ok(done)
}

async fn begin_anew(connection: &mut sqlx::PgConnection, jobs: Vec<String>) -> Result<(), Error> {
    sqlx::query!(
        "WITH over AS (
             DELETE FROM loads WHERE loaded_at IS NULL RETURNING job_id, id
         ), known AS (
             INSERT INTO load_jobs (job_id, load_id, ended_at, reason)
             SELECT job_id, id, clock_timestamp(), 'adopted' FROM over
             UNION SELECT job_id, NULL, clock_timestamp(), 'adopted' FROM unnest($1::text[]) AS t (job_id)
              WHERE job_id NOT IN (SELECT job_id FROM over)
             ON CONFLICT (job_id) DO NOTHING
         ), rejects AS (
             UPDATE load_rejects SET batch = NULL, reloaded_at = CASE WHEN in_bigquery THEN clock_timestamp() END,
                    requested_at = CASE WHEN NOT in_bigquery THEN requested_at END
               FROM (SELECT id, EXISTS (SELECT FROM adoption WHERE adoption.id = r.id) AS in_bigquery
                       FROM load_rejects r WHERE reloaded_at IS NULL) AS found
              WHERE load_rejects.id = found.id
         )
         UPDATE cursors SET updated_at = now(), system_identifier = (SELECT system_identifier FROM pg_control_system()),
                position = CASE name WHEN 'totals' THEN (pg_current_xact_id()::text::numeric + 1)::text::xid8
                                     ELSE pg_current_xact_id() END",
        &jobs
    )
    .execute(&mut *connection)
    .await?;
    Ok(())
}

/// Moves the sequences on, since logical replication copies rows and leaves the sequences of their numbers behind.
async fn number_on(connection: &mut sqlx::PgConnection) -> Result<(), Error> {
    sqlx::query!(
        "SELECT setval(sequence, greatest(nextval(sequence), used))
           FROM (VALUES (pg_get_serial_sequence('loads', 'id')::regclass, (SELECT max(id) FROM loads)),
                        (pg_get_serial_sequence('unreadable', 'id')::regclass, (SELECT max(id) FROM unreadable)),
                        (pg_get_serial_sequence('audit_log', 'id')::regclass, (SELECT max(id) FROM audit_log)),
                        ('load_batches'::regclass, (SELECT max(batch) FROM loads))) AS numbers (sequence, used)"
    )
    .fetch_all(&mut *connection)
    .await?;
    Ok(())
}

async fn note(connection: &mut sqlx::PgConnection, done: &Adoption, act: Act) -> Result<(), Error> {
    sqlx::query!(
        "INSERT INTO audit_log (actor, role, address, request_id, action, detail)
         VALUES ($1, $2, $3, $4, 'adopt',
                 json_build_object('sameCluster', $5::boolean, 'toLoad', $6::bigint, 'loadedUnknown', $7::bigint,
                                   'onlyInBigquery', $8::bigint))",
        act.actor,
        act.role,
        act.address,
        act.request_id,
        done.same_cluster,
        done.to_load,
        done.loaded_unknown,
        done.only_in_bigquery
    )
    .execute(&mut *connection)
    .await?;
    Ok(())
}
