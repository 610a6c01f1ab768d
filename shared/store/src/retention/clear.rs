use sqlx::{AssertSqlSafe, PgConnection, Row};

use crate::Error;
use crate::partitions::{PARENTS, Week};

pub(super) const NOT_SETTLED: &str = "EF001";

pub(super) fn names(week: Week) -> [String; 3] {
    PARENTS.map(|parent| week.table(parent))
}

/// The condition that all of the week is in BigQuery and in a finished count, so that the totals have passed it too. A
/// reject has a payload of its own and does not need the week.
pub(super) fn settled(week: Week) -> String {
    let [events, outcomes, _] = names(week);
    let monday = week.monday();
    format!(
        "(SELECT coalesce((SELECT max(xid) FROM {events}), '0') < least(audit.bound, bigquery.position,
                     (SELECT min(from_xid) FROM loads WHERE loaded_at IS NULL))
                 AND coalesce((SELECT max(xid) FROM {outcomes}), '0') < audit.bound
                 AND EXISTS (SELECT FROM counted WHERE week = '{monday}')
            FROM count_audit AS audit, cursors AS bigquery
           WHERE audit.finished_at IS NOT NULL AND bigquery.name = 'bigquery'
             AND bigquery.position <= pg_snapshot_xmin(pg_current_snapshot())
             AND bigquery.system_identifier = (SELECT system_identifier FROM pg_control_system()))"
    )
}

/// Empties the tables of a week except for the unfinished events, and returns how many those are. A transaction that
/// replays or finishes an event of this week needs these tables too. So it has committed before, or it waits and then
/// finds the rows that are left.
pub(super) async fn clear(connection: &mut PgConnection, week: Week) -> Result<i64, Error> {
    let [events, outcomes, attempts] = names(week);
    let (monday, from, to) = (week.monday(), week.from(), week.to());
    let settled = settled(week);
    let statements = format!(
        "BEGIN;
         SET LOCAL lock_timeout = '500ms';
         LOCK TABLE {events}, {outcomes}, {attempts} IN ACCESS EXCLUSIVE MODE;
         SELECT FROM count_audit FOR UPDATE;
         DO $$ BEGIN
             IF {settled} IS NOT TRUE THEN
                 RAISE EXCEPTION 'the week {monday} is not settled' USING ERRCODE = '{NOT_SETTLED}';
             END IF;
         END $$;
         CREATE TEMP TABLE kept ON COMMIT DROP AS SELECT id FROM live WHERE id >= '{from}' AND id < '{to}';
         ANALYZE kept;
         CREATE TEMP TABLE kept_events ON COMMIT DROP AS SELECT * FROM {events} WHERE id IN (SELECT id FROM kept);
         CREATE TEMP TABLE kept_outcomes ON COMMIT DROP AS SELECT * FROM {outcomes} WHERE id IN (SELECT id FROM kept);
         CREATE TEMP TABLE kept_attempts ON COMMIT DROP AS SELECT * FROM {attempts} WHERE id IN (SELECT id FROM kept);
         INSERT INTO cleared_totals AS known (kind, name, count, seconds)
         SELECT kind, name, sum(count), sum(seconds)
           FROM (SELECT kind, name, count, seconds FROM counted WHERE week = '{monday}'
                 UNION ALL
                 SELECT 'event', event_type, -1, 0 FROM kept_events
                 UNION ALL
                 SELECT 'outcome', status::text, -1, -extract(epoch FROM finished_at - queued_at) FROM kept_outcomes
                 UNION ALL
                 SELECT 'outcome', from_status::text, 1, 0 FROM replays
                  WHERE id IN (SELECT id FROM kept) AND from_status = 'DEAD_LETTER'
                    AND xid < (SELECT bound FROM count_audit)) AS gone
          GROUP BY kind, name
         ON CONFLICT (kind, name) DO UPDATE
            SET count = known.count + excluded.count, seconds = known.seconds + excluded.seconds;
         DELETE FROM counted WHERE week = '{monday}';
         TRUNCATE {events}, {outcomes}, {attempts};
         INSERT INTO {events} SELECT * FROM kept_events;
         INSERT INTO {outcomes} SELECT * FROM kept_outcomes;
         INSERT INTO {attempts} SELECT * FROM kept_attempts;
         SELECT count(*) AS stragglers FROM kept_events;
         COMMIT;"
    );
    // The names and bounds come from dates. A batch of the simple protocol ends at its first error.
    let rows = sqlx::raw_sql(AssertSqlSafe(statements)).fetch_all(connection).await?;
    let last = rows.last().ok_or(sqlx::Error::RowNotFound)?;
    Ok(last.try_get("stragglers")?)
}
