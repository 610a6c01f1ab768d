use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use store::{Error, Holder, Waiting};
use utoipa::ToSchema;

use crate::Flusher;

/// The result of a flush, and what is left to load.
#[derive(Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Flushed {
    /// Another flusher is running, so this one did nothing.
    pub(crate) busy: bool,
    pub(crate) rows: i64,
    pub(crate) bytes: i64,
    /// The number of these rows in which a number is not written as it was posted, because BigQuery refused it in that
    /// form, or because of `BIGQUERY_NUMBERS`.
    pub(crate) rounded: i64,
    pub(crate) loads: Vec<LoadDone>,
    /// The number of events that BigQuery refused; they are among the rejects now.
    pub(crate) rejected: i64,
    pub(crate) unloaded_rows: i64,
    #[schema(format = DateTime, required = true)]
    pub(crate) oldest_unloaded: Option<String>,
    /// How many seconds it has waited.
    pub(crate) longest_wait: i64,
    pub(crate) jobs_left_today: i64,
    #[schema(required = true)]
    pub(crate) waiting: Option<BackingOff>,
    pub(crate) held_back_by: Vec<HeldBackBy>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LoadDone {
    pub(crate) job_id: String,
    pub(crate) rows: i64,
    pub(crate) bytes: i64,
    /// The form of the numbers: exact, rounded or text.
    pub(crate) numbers: &'static str,
    /// The number of rows in which a number is not written as it was posted.
    pub(crate) rounded: i64,
}

/// The reason for a wait, and the time of the next try.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BackingOff {
    reason: String,
    why: String,
    #[schema(format = DateTime, required = true)]
    until: Option<String>,
}

/// A transaction that keeps events from being loaded, in any database of the instance.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HeldBackBy {
    #[schema(required = true)]
    pid: Option<i32>,
    #[schema(required = true)]
    database: Option<String>,
    #[schema(required = true)]
    user: Option<String>,
    #[schema(required = true)]
    application_name: Option<String>,
    #[schema(required = true)]
    state: Option<String>,
    #[schema(format = DateTime, required = true)]
    since: Option<String>,
    #[schema(required = true)]
    prepared: Option<String>,
}

impl Flusher {
    /// Returns an answer with what is left to load, before any work is done.
    pub(crate) async fn left(&self) -> Result<Flushed, Error> {
        let unloaded = self.store.unloaded().await?;
        let most = self.settings.jobs_a_day;
        let room = self.store.load_room(most).await?;
        let waiting = self.store.waiting_loads().await?.map(BackingOff::from);
        let holders = self.store.flush_holders().await?;
        Ok(Flushed {
            unloaded_rows: unloaded.rows,
            oldest_unloaded: unloaded.oldest.map(timestamp),
            longest_wait: unloaded.oldest.map_or(0, |at| (Utc::now() - at).num_seconds().max(0)),
            jobs_left_today: (i64::from(most) - room.made).max(0),
            waiting,
            held_back_by: holders.into_iter().map(HeldBackBy::from).collect(),
            ..Flushed::default()
        })
    }

    /// Describes a flush that was stopped by the limit of load jobs.
    pub(crate) async fn no_room(&self, most: u32) -> Result<BackingOff, Error> {
        let room = self.store.load_room(most).await?;
        let all = self.settings.jobs_a_day;
        let why = if most < all {
            format!(
                "{} load jobs were made within a day; the search for rows that do not fit may go up to {most} of {all}",
                room.made
            )
        } else {
            format!("{} load jobs were made within a day, of {all}", room.made)
        };
        Ok(BackingOff { reason: "Quota".into(), why, until: room.frees_at.map(timestamp) })
    }
}

impl From<Waiting> for BackingOff {
    fn from(waiting: Waiting) -> Self {
        let why = match waiting.loads {
            1 => waiting.message,
            more => format!("{} (the first of {more} ranges that wait)", waiting.message),
        };
        Self { reason: waiting.reason, why, until: Some(timestamp(waiting.until)) }
    }
}

impl From<Holder> for HeldBackBy {
    fn from(holder: Holder) -> Self {
        Self {
            pid: holder.pid,
            database: holder.database,
            user: holder.user,
            application_name: holder.application,
            state: holder.state,
            since: holder.since.map(timestamp),
            prepared: holder.prepared,
        }
    }
}

fn timestamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}
