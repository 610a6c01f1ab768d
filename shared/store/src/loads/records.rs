use std::str::FromStr;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Numbers, Place};
use crate::error::unexpected;
use crate::{Error, Period, Store, Xid};

/// The state of a load, as the function `load_status` of the database defines it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadStatus {
    /// The load is not known to have succeeded.
    Open,
    Loaded,
    /// The one row of the load is among the rejects.
    Rejected,
}

impl LoadStatus {
    pub const ALL: [Self; 3] = [Self::Open, Self::Loaded, Self::Rejected];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "OPEN",
            Self::Loaded => "LOADED",
            Self::Rejected => "REJECTED",
        }
    }
}

impl FromStr for LoadStatus {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|status| status.as_str() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::as_str);
            format!("must be one of {}", names.join(", "))
        })
    }
}

/// A load as it is shown to people.
#[derive(Debug)]
pub struct LoadRecord {
    pub id: i64,
    pub status: LoadStatus,
    pub from: Place,
    pub to: Place,
    /// True if the rows are rejects that are loaded again, and not events.
    pub is_of_rejects: bool,
    pub rows: i64,
    /// The bytes that were loaded.
    pub bytes: Option<i64>,
    pub depth: i32,
    pub numbers: Numbers,
    pub changed: i64,
    /// The latest job.
    pub job_id: String,
    pub uploads: i32,
    pub failures: i32,
    /// The reason of the latest job that ended in error.
    pub reason: Option<String>,
    pub failure: Option<String>,
    pub created_at: DateTime<Utc>,
    pub retry_at: Option<DateTime<Utc>>,
    pub loaded_at: Option<DateTime<Utc>>,
}

/// A job that was begun for a load.
#[derive(Debug)]
pub struct LoadJob {
    pub job_id: String,
    pub made_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    /// None if the job ended well or has not ended.
    pub reason: Option<String>,
    pub message: Option<String>,
}

impl LoadJob {
    /// The most jobs that are shown, since an outage makes more of them.
    pub const MOST: i64 = 100;
}

macro_rules! records {
    ($tail:literal $(+ $more:literal)* $(, $argument:expr)*) => {
        sqlx::query_as!(
            Row,
            r#"SELECT id, load_status(loaded_at, rejected) AS "status!", from_xid AS "from_xid: Xid", from_id, to_xid AS "to_xid: Xid",
                      to_id, batch IS NOT NULL AS "is_of_rejects!", rows, bytes, depth, numbers AS "numbers: Numbers", changed, job_id,
                      uploads, failures, reason, left(failure, 4096) AS failure, created_at, retry_at, loaded_at
                 FROM loads "#
                + $tail $(+ $more)*
            $(, $argument)*
        )
    };
}

impl Store {
    /// A page of the ledger, the newest ranges first. The parts of a range that was split have its time.
    pub async fn load_records(
        &self,
        status: Option<LoadStatus>,
        period: Period,
        limit: i64,
    ) -> Result<Vec<LoadRecord>, Error> {
        self.run(move |pool| async move {
            let (since, end) = (period.since(), period.end());
            let rows = match status {
                None => {
                    records!(
                        "WHERE created_at >= $1 AND (created_at, id) < ($2, $3) ORDER BY created_at DESC, id DESC LIMIT $4",
                        since,
                        end.at,
                        end.id,
                        limit
                    )
                    .fetch_all(&pool)
                    .await?
                }
                Some(status) => {
                    // The bounds compare whole rows in an order that no other index has. For a status that is a
                    // parameter, the planner knows too little to choose the index by it.
                    records!(
                        "WHERE (load_status(loaded_at, rejected), created_at) >= ($5, $1)
                           AND (load_status(loaded_at, rejected), created_at, id) < ($5, $2, $3)
                         ORDER BY load_status(loaded_at, rejected) DESC, created_at DESC, id DESC LIMIT $4",
                        since,
                        end.at,
                        end.id,
                        limit,
                        status.as_str()
                    )
                    .fetch_all(&pool)
                    .await?
                }
            };
            rows.into_iter().map(Row::record).collect()
        })
        .await
    }

    /// One load, with the newest [`LoadJob::MOST`] of its jobs, oldest first.
    pub async fn load_record(&self, id: i64) -> Result<Option<(LoadRecord, Vec<LoadJob>)>, Error> {
        self.run(move |pool| async move {
            let Some(row) = records!("WHERE id = $1", id).fetch_optional(&pool).await? else {
                return Ok(None);
            };
            let mut jobs = sqlx::query_as!(
                LoadJob,
                "SELECT job_id, made_at, ended_at, reason, left(message, 4096) AS message
                   FROM load_jobs WHERE load_id = $1 ORDER BY made_at DESC LIMIT $2",
                id,
                LoadJob::MOST
            )
            .fetch_all(&pool)
            .await?;
            jobs.reverse();
            Ok(Some((row.record()?, jobs)))
        })
        .await
    }
}

struct Row {
    id: i64,
    status: String,
    from_xid: Xid,
    from_id: Uuid,
    to_xid: Xid,
    to_id: Uuid,
    is_of_rejects: bool,
    rows: i64,
    bytes: Option<i64>,
    depth: i32,
    numbers: Numbers,
    changed: i64,
    job_id: String,
    uploads: i32,
    failures: i32,
    reason: Option<String>,
    failure: Option<String>,
    created_at: DateTime<Utc>,
    retry_at: Option<DateTime<Utc>>,
    loaded_at: Option<DateTime<Utc>>,
}

impl Row {
    fn record(self) -> Result<LoadRecord, Error> {
        Ok(LoadRecord {
            id: self.id,
            status: self.status.parse().map_err(|why: String| unexpected(why))?,
            from: Place { xid: self.from_xid, id: self.from_id },
            to: Place { xid: self.to_xid, id: self.to_id },
            is_of_rejects: self.is_of_rejects,
            rows: self.rows,
            bytes: self.bytes,
            depth: self.depth,
            numbers: self.numbers,
            changed: self.changed,
            job_id: self.job_id,
            uploads: self.uploads,
            failures: self.failures,
            reason: self.reason,
            failure: self.failure,
            created_at: self.created_at,
            retry_at: self.retry_at,
            loaded_at: self.loaded_at,
        })
    }
}
