use chrono::{DateTime, TimeDelta, Utc};
use event::{EventId, Status};
use sqlx::PgPool;
use uuid::Uuid;

use super::row::{Row, listed};
use super::{Filter, Listed};
use crate::period::FAR_FUTURE;
use crate::{Error, Store};

/// The newest `most` events of a search, 500 at most. For a limit that is a parameter, the planner assumes a tenth of
/// all rows, so the 500 is a constant. The bounds are hidden from the planner: their values do not make the plan
/// better, but each search of a large table would be planned anew for them, which takes longer than the search.
macro_rules! page {
    ($asked:expr, $tail:literal $(, $argument:expr)*) => {
        listed!(
            "WITH asked AS MATERIALIZED (
                 SELECT $1::uuid AS low, $2::uuid AS high, $3::timestamptz AS since, $4::timestamptz AS until, $5::bigint AS most
             )
             ",
            "(SELECT * FROM (SELECT r.* FROM event_records r "
                + $tail
                + " AND r.created_at >= (SELECT since FROM asked) AND r.created_at < (SELECT until FROM asked)
                   ORDER BY r.id DESC LIMIT 500) AS newest ORDER BY id DESC LIMIT (SELECT most FROM asked)) AS r",
            $asked.low,
            $asked.high,
            $asked.since,
            $asked.until,
            $asked.most
            $(, $argument)*
        )
    };
}

impl Store {
    /// A page of events, newest first, 500 at most. Each kind of search walks an index that has its order.
    pub async fn list(&self, filter: Filter, limit: u32) -> Result<Vec<Listed>, Error> {
        self.run(move |pool| async move { Row::page(list(&pool, &filter, i64::from(limit)).await?) }).await
    }
}

async fn list(pool: &PgPool, filter: &Filter, most: i64) -> Result<Vec<Row>, Error> {
    let asked = Asked::of(filter, most);
    let status = filter.status.map(Status::as_str);
    let rows = match (filter.status, &filter.event_type) {
        (None, None) => {
            page!(asked, "WHERE r.id >= (SELECT low FROM asked) AND r.id < (SELECT high FROM asked)").fetch_all(pool).await?
        }
        (None, Some(event_type)) => {
            page!(
                asked,
                "WHERE r.event_type = $6 AND r.id >= (SELECT low FROM asked) AND r.id < (SELECT high FROM asked)",
                event_type
            )
            .fetch_all(pool).await?
        }
        (Some(Status::Pending | Status::Processing), event_type) => {
            page!(
                asked,
                "JOIN live ON live.id = r.id
                 WHERE live.status::text = $7 AND ($6::text IS NULL OR r.event_type = $6)
                   AND live.id >= (SELECT low FROM asked) AND live.id < (SELECT high FROM asked)",
                event_type.as_ref(),
                status
            )
            .fetch_all(pool)
            .await?
        }
        (Some(Status::Failed), event_type) => {
            page!(
                asked,
                "JOIN live ON live.id = r.id
                 WHERE live.failed_at IS NOT NULL AND live.status = 'FAILED' AND ($6::text IS NULL OR r.event_type = $6)
                   AND live.id >= (SELECT low FROM asked) AND live.id < (SELECT high FROM asked)",
                event_type.as_ref()
            )
            .fetch_all(pool)
            .await?
        }
        (Some(Status::Processed), None) => {
            page!(
                asked,
                "JOIN outcomes o ON o.id = r.id
                 WHERE o.status = 'PROCESSED' AND o.id >= (SELECT low FROM asked) AND o.id < (SELECT high FROM asked)"
            )
            .fetch_all(pool)
            .await?
        }
        (Some(Status::Processed), Some(event_type)) => {
            page!(
                asked,
                "JOIN outcomes o ON o.id = r.id
                 WHERE o.status = 'PROCESSED' AND r.event_type = $6
                   AND r.id >= (SELECT low FROM asked) AND r.id < (SELECT high FROM asked)",
                event_type
            )
            .fetch_all(pool)
            .await?
        }
        (Some(Status::DeadLetter), None) => {
            page!(
                asked,
                "JOIN outcomes o ON o.id = r.id
                 WHERE o.status = 'DEAD_LETTER' AND o.id >= (SELECT low FROM asked) AND o.id < (SELECT high FROM asked)
                   AND NOT EXISTS (SELECT FROM replays p WHERE p.id = o.id AND p.attempt = o.attempt OFFSET 0)"
            )
            .fetch_all(pool)
            .await?
        }
        // This search is planned anew each time: the better index depends on whether the dead events or the events of
        // the type are fewer.
        (Some(Status::DeadLetter), Some(event_type)) => {
            listed!(
                "",
                "(SELECT r.* FROM event_records r JOIN outcomes o ON o.id = r.id
                   WHERE o.status = 'DEAD_LETTER' AND r.event_type = $6 AND o.id >= $1 AND o.id < $2
                     AND r.created_at >= $3 AND r.created_at < $4
                     AND NOT EXISTS (SELECT FROM replays p WHERE p.id = o.id AND p.attempt = o.attempt OFFSET 0)
                   ORDER BY o.id DESC LIMIT $5) AS r",
                asked.low,
                asked.high,
                asked.since,
                asked.until,
                asked.most,
                event_type
            )
            .fetch_all(pool)
            .await?
        }
    };
    Ok(rows)
}

/// The limit, and a range of time as a range of ids, so that partitions outside it are not read. An id is made by
/// ingest's clock, which may be up to an hour from the database's, so there is a margin of an hour. `created_at` then
/// decides.
struct Asked {
    most: i64,
    low: Uuid,
    high: Uuid,
    since: DateTime<Utc>,
    until: DateTime<Utc>,
}

impl Asked {
    fn of(filter: &Filter, most: i64) -> Self {
        let hour = TimeDelta::hours(1);
        let bound =
            |at: DateTime<Utc>| EventId::lowest_at(u64::try_from(at.timestamp_millis()).unwrap_or(0)).uuid();
        let high = filter.until.map_or(Uuid::max(), |until| bound(until + hour));
        Self {
            most,
            low: filter.since.map_or(Uuid::nil(), |since| bound(since - hour)),
            high: filter.before.map_or(high, |before| high.min(before.uuid())),
            since: filter.since.unwrap_or(DateTime::UNIX_EPOCH),
            until: filter.until.unwrap_or(FAR_FUTURE),
        }
    }
}
