use chrono::{DateTime, TimeDelta, Utc};
use event::{EventId, Json, Status};
use serde_json::value::RawValue;
use sqlx::PgPool;
use uuid::Uuid;

use crate::error::unexpected;
use crate::{Error, Store};

/// An event with its state, as people ask for it.
#[derive(Debug)]
pub struct Record {
    pub id: EventId,
    pub event_type: String,
    pub payload: Json,
    pub metadata: Option<Json>,
    pub status: Status,
    pub retry_count: i32,
    pub processed_at: Option<DateTime<Utc>>,
    pub failed_at: Option<DateTime<Utc>>,
    pub failure_reason: Option<String>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub status: Option<Status>,
    pub event_type: Option<String>,
    pub since: Option<DateTime<Utc>>,
    pub until: Option<DateTime<Utc>>,
    /// Only events older than this one: where the page before ended.
    pub before: Option<EventId>,
}

/// What has happened to an event.
#[derive(Debug)]
pub struct History {
    pub attempts: Vec<Attempt>,
    pub outcomes: Vec<Outcome>,
    pub replays: Vec<Replay>,
}

#[derive(Debug)]
pub struct Attempt {
    pub attempt: i32,
    pub ended: String,
    pub reason: String,
    pub started_at: Option<DateTime<Utc>>,
    pub ended_at: DateTime<Utc>,
    pub instance: Option<String>,
    pub message_id: Option<String>,
}

#[derive(Debug)]
pub struct Outcome {
    pub attempt: i32,
    pub status: String,
    pub retry_count: i32,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: DateTime<Utc>,
    pub failure_reason: Option<String>,
}

#[derive(Debug)]
pub struct Replay {
    pub attempt: i32,
    pub from_status: String,
    pub requested_by: String,
    pub created_at: DateTime<Utc>,
}

struct Row {
    id: Uuid,
    event_type: String,
    payload: String,
    metadata: Option<String>,
    status: String,
    retry_count: i32,
    processed_at: Option<DateTime<Utc>>,
    failed_at: Option<DateTime<Utc>>,
    failure_reason: Option<String>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

macro_rules! select {
    ($before:literal, $tail:literal, $after:literal $(, $argument:expr)*) => {
        sqlx::query_as!(
            Row,
            $before + r#"SELECT r.id AS "id!", r.event_type AS "event_type!", r.payload::text AS "payload!",
                      r.metadata::text AS metadata, r.status::text AS "status!", r.retry_count AS "retry_count!", r.processed_at,
                      r.failed_at, r.failure_reason, r.created_at AS "created_at!", r.updated_at AS "updated_at!"
                 FROM event_records r "# + $tail + $after,
            $($argument),*
        )
    };
}

macro_rules! records {
    ($tail:literal $(, $argument:expr)*) => { select!("", $tail, "" $(, $argument)*) };
}

/// The newest `most` of what is asked for, 500 at most. Of a limit that is a parameter the planner believes that it is a tenth of all
/// there is, and what it makes of the bounds' values is no better than what it makes without: but it would plan each search of a
/// large table anew for them, which takes longer than the search. So it knows what 500 is, and the bounds it does not see.
macro_rules! page {
    ($asked:expr, $tail:literal $(, $argument:expr)*) => {
        select!(
            r#"WITH asked AS MATERIALIZED (
                   SELECT $1::uuid AS low, $2::uuid AS high, $3::timestamptz AS since, $4::timestamptz AS until, $5::bigint AS most
               )
               SELECT * FROM ("#,
            $tail,
            r#" AND r.created_at >= (SELECT since FROM asked) AND r.created_at < (SELECT until FROM asked)
                ORDER BY r.id DESC LIMIT 500) AS newest ORDER BY "id!" DESC LIMIT (SELECT most FROM asked)"#,
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
    pub async fn record(&self, id: EventId) -> Result<Option<Record>, Error> {
        self.run(move |pool| async move {
            records!("WHERE r.id = $1", id.uuid())
                .fetch_optional(&pool)
                .await?
                .map(Record::try_from)
                .transpose()
        })
        .await
    }

    pub async fn history(&self, id: EventId) -> Result<History, Error> {
        self.run(move |pool| async move {
            let id = id.uuid();
            Ok(History {
                attempts: sqlx::query_as!(
                    Attempt,
                    "SELECT attempt, ended, reason, started_at, ended_at, instance, message_id
                       FROM attempts WHERE id = $1 ORDER BY attempt",
                    id
                )
                .fetch_all(&pool)
                .await?,
                outcomes: sqlx::query_as!(
                    Outcome,
                    r#"SELECT attempt, status::text AS "status!", retry_count, started_at, finished_at, failure_reason
                         FROM outcomes WHERE id = $1 ORDER BY attempt"#,
                    id
                )
                .fetch_all(&pool)
                .await?,
                replays: sqlx::query_as!(
                    Replay,
                    r#"SELECT attempt, from_status::text AS "from_status!", requested_by, created_at
                         FROM replays WHERE id = $1 ORDER BY attempt"#,
                    id
                )
                .fetch_all(&pool)
                .await?,
            })
        })
        .await
    }

    /// A page of events, newest first, 500 at most. Each kind of search walks an index that has its order.
    pub async fn list(&self, filter: Filter, limit: u32) -> Result<Vec<Record>, Error> {
        self.run(move |pool| async move {
            list(&pool, &filter, i64::from(limit)).await?.into_iter().map(Record::try_from).collect()
        })
        .await
    }

    /// FAILED and DEAD_LETTER, newest first, and how many there are.
    pub async fn failed(&self, offset: i64, limit: i64) -> Result<(Vec<Record>, i64), Error> {
        let total = self.metrics().await?;
        let total = total.failed + total.dead_letter;
        self.run(move |pool| async move {
            let rows = records!(
                "JOIN (SELECT id FROM live WHERE failed_at IS NOT NULL AND status = 'FAILED'
                       UNION ALL
                       SELECT o.id FROM outcomes o
                        WHERE o.status = 'DEAD_LETTER'
                          AND NOT EXISTS (SELECT FROM replays p WHERE p.id = o.id AND p.attempt = o.attempt)
                        ORDER BY id DESC OFFSET $1 LIMIT $2) AS page ON page.id = r.id
                 ORDER BY r.id DESC",
                offset,
                limit
            )
            .fetch_all(&pool)
            .await?;
            let records: Result<_, Error> = rows.into_iter().map(Record::try_from).collect();
            Ok((records?, total))
        })
        .await
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
                   AND NOT EXISTS (SELECT FROM replays p WHERE p.id = o.id AND p.attempt = o.attempt)"
            )
            .fetch_all(pool)
            .await?
        }
        // Planned anew each time: whether to walk the dead or the type depends on which of them are fewer.
        (Some(Status::DeadLetter), Some(event_type)) => {
            records!(
                "JOIN outcomes o ON o.id = r.id
                 WHERE o.status = 'DEAD_LETTER' AND r.event_type = $6 AND o.id >= $1 AND o.id < $2
                   AND r.created_at >= $3 AND r.created_at < $4
                   AND NOT EXISTS (SELECT FROM replays p WHERE p.id = o.id AND p.attempt = o.attempt)
                 ORDER BY o.id DESC LIMIT $5",
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

/// So many, and a range of time as a range of ids, so that partitions outside it are not read. An id is minted by ingest's clock, up to an
/// hour from the database's, hence the hour's margin; `created_at` then decides.
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

const FAR_FUTURE: DateTime<Utc> = match DateTime::from_timestamp(253_402_300_799, 0) {
    Some(at) => at,
    None => DateTime::UNIX_EPOCH,
};

impl TryFrom<Row> for Record {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        let json = |text: String| RawValue::from_string(text).map_err(unexpected);
        Ok(Self {
            id: row.id.into(),
            event_type: row.event_type,
            payload: json(row.payload)?,
            metadata: row.metadata.map(json).transpose()?,
            status: row.status.parse().map_err(|why: String| unexpected(why))?,
            retry_count: row.retry_count,
            processed_at: row.processed_at,
            failed_at: row.failed_at,
            failure_reason: row.failure_reason,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}
