use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, Utc};
use event::EventId;
use sqlx::{AssertSqlSafe, PgConnection, PgPool};

use crate::{Error, Store};

/// The number of weeks that are made before they are needed, besides the present one and the one before it.
pub const WEEKS_AHEAD: u64 = 4;

pub(crate) const PARENTS: [&str; 3] = ["events", "outcomes", "attempts"];

impl Store {
    /// Makes the missing partitions and returns their names. Several callers at once are safe.
    pub async fn make_partitions(&self) -> Result<Vec<String>, Error> {
        self.run(make_partitions).await
    }
}

async fn make_partitions(pool: PgPool) -> Result<Vec<String>, Error> {
    let now: DateTime<Utc> = sqlx::query_scalar("SELECT now()").fetch_one(&pool).await?;
    let mut made = Vec::new();
    for week in weeks_around(now) {
        for parent in PARENTS {
            let name = format!("{parent}_{}", week.format("%Y%m%d"));
            let there: bool = sqlx::query_scalar(
                "SELECT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = to_regclass($1))",
            )
            .bind(&name)
            .fetch_one(&pool)
            .await?;
            if !there {
                let mut connection = pool.acquire().await?;
                make(&mut connection, parent, &name, week).await?;
                made.push(name);
            }
        }
    }
    Ok(made)
}

/// Makes a separate table and then attaches it, since a plain `CREATE TABLE … PARTITION OF` would wait for every open
/// reader, and every writer would wait behind it. The CHECK spares the attach a scan. One simple-protocol batch is one
/// transaction.
async fn make(
    connection: &mut PgConnection,
    parent: &str,
    name: &str,
    week: DateTime<Utc>,
) -> Result<(), Error> {
    let from = lowest(week);
    let to = lowest(week + Days::new(7));
    let statements = format!(
        "BEGIN;
         SET LOCAL lock_timeout = '5s';
         SELECT pg_advisory_xact_lock(hashtext('eventflow.partitions'));
         DO $$ BEGIN
           IF to_regclass('{name}') IS NULL THEN
             CREATE TABLE {name} (LIKE {parent} INCLUDING DEFAULTS INCLUDING CONSTRAINTS,
               CONSTRAINT {name}_week CHECK (id >= '{from}' AND id < '{to}'));
             ALTER TABLE {parent} ATTACH PARTITION {name} FOR VALUES FROM ('{from}') TO ('{to}');
             ALTER TABLE {name} DROP CONSTRAINT {name}_week;
           END IF;
         END $$;
         COMMIT;"
    );
    // The names and bounds come only from a date.
    let done = sqlx::raw_sql(AssertSqlSafe(statements)).execute(&mut *connection).await;
    if done.is_err() {
        sqlx::raw_sql("ROLLBACK").execute(connection).await?;
    }
    done?;
    Ok(())
}

/// A week of ids, and of the tables that hold them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Week(NaiveDate);

impl Week {
    pub(crate) fn monday(self) -> NaiveDate {
        self.0
    }

    pub(crate) fn from(self) -> EventId {
        lowest(self.0.and_time(NaiveTime::MIN).and_utc())
    }

    pub(crate) fn to(self) -> EventId {
        lowest((self.0 + Days::new(7)).and_time(NaiveTime::MIN).and_utc())
    }

    pub(crate) fn table(self, parent: &str) -> String {
        format!("{parent}_{}", self.0.format("%Y%m%d"))
    }
}

/// The weeks that have a table of any kind, oldest first.
pub(crate) async fn weeks(pool: &PgPool) -> Result<Vec<Week>, Error> {
    let mondays = sqlx::query_scalar!(
        r#"SELECT DISTINCT to_date(right(relname, 8), 'YYYYMMDD') AS "monday!" FROM pg_class
            WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'
              AND relname ~ '^(events|outcomes|attempts)_[0-9]{8}$'
            ORDER BY 1"#
    )
    .fetch_all(pool)
    .await?;
    Ok(mondays.into_iter().map(Week).collect())
}

fn lowest(at: DateTime<Utc>) -> EventId {
    EventId::lowest_at(u64::try_from(at.timestamp_millis()).unwrap_or(0))
}

/// The Mondays, midnight UTC, of the week before `now`, of the week of `now`, and of those ahead.
fn weeks_around(now: DateTime<Utc>) -> impl Iterator<Item = DateTime<Utc>> {
    let days_since_monday = u64::from(now.weekday().num_days_from_monday());
    let first = (now.date_naive() - Days::new(days_since_monday + 7)).and_time(NaiveTime::MIN).and_utc();
    (0..WEEKS_AHEAD + 2).map(move |week| first + Days::new(7 * week))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_begin_on_mondays_and_surround_now() {
        let now = "2026-11-24T20:00:00Z".parse().unwrap();
        let weeks: Vec<_> = weeks_around(now).map(|week| week.to_string()).collect();
        assert_eq!(weeks.len(), 6);
        assert_eq!(weeks[0], "2026-11-16 00:00:00 UTC");
        assert_eq!(weeks[1], "2026-11-23 00:00:00 UTC");
        assert_eq!(weeks[5], "2026-12-21 00:00:00 UTC");
    }
}
