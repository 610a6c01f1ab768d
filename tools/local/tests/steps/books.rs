//! The invariants, checked against the database, BigQuery and the journals of the test, but not against the services'
//! own counters.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use axum::body::Body;
use axum::http::Request;
use event::{EventId, Status};
use serde_json::json;
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use crate::services::MAX_RETRIES;
use crate::stage::Ending;
use crate::system::{System, answered_ok};

/// The recorded attempts of one event by their numbers, with their ends.
type Attempts = BTreeMap<i32, Vec<String>>;

impl System {
    /// Checks after each step that no event is gone or without a state, that no attempt number falls, and that no end
    /// changes except by a replay.
    pub(crate) async fn nothing_falls(&mut self, replayed: Option<EventId>) -> Result<(), String> {
        let rows = self
            .sql(
                "SELECT e.id, coalesce(l.status, o.status)::text AS status, coalesce(l.attempt, o.attempt) AS attempt
                   FROM events e LEFT JOIN live l ON l.id = e.id
                   LEFT JOIN LATERAL (SELECT * FROM outcomes WHERE id = e.id ORDER BY attempt DESC LIMIT 1) o ON true",
            )
            .await;
        let mut now = BTreeMap::new();
        for row in &rows {
            let status = row.get::<Option<String>, _>("status").ok_or("an event has no state")?;
            now.insert(id(row), (status.parse::<Status>()?, row.get("attempt")));
        }
        for (id, before) in &self.seen {
            let after = now.get(id).ok_or_else(|| format!("event {id} is gone"))?;
            let had_ended = matches!(before.0, Status::Processed | Status::DeadLetter);
            let may_rise = before.0 == Status::DeadLetter && replayed == Some(*id);
            if after.1 < before.1 || had_ended && after != before && !may_rise {
                return Err(format!("event {id} was {before:?} and is {after:?}"));
            }
        }
        self.seen = now;
        Ok(())
    }

    pub(crate) async fn balance(&mut self) -> Result<(), String> {
        self.what_was_answered_is_stored().await?;
        self.each_attempt_is_on_record().await?;
        self.each_effect_is_there_once().await?;
        let each_once: BTreeMap<_, _> = self.seen.keys().map(|id| (*id, 1)).collect();
        same("rows in BigQuery", &self.warehouse.rows().await, &each_once)?;
        self.metrics_are_a_count().await
    }

    async fn what_was_answered_is_stored(&mut self) -> Result<(), String> {
        let stored = self.sql("SELECT id, (payload ->> 'weight')::bigint AS weight FROM events").await;
        let stored: BTreeMap<EventId, i64> = stored.iter().map(|row| (id(row), row.get("weight"))).collect();
        let lost = self.answered.iter().find(|(id, weight)| stored.get(id) != Some(weight));
        if let Some((id, _)) = lost {
            return Err(format!("event {id} was answered 201 and is not stored"));
        }
        let mut weights: Vec<_> = stored.into_values().collect();
        weights.sort_unstable();
        same("the weights that are stored", &weights, &self.sent)
    }

    /// Checks that each attempt from the first to the last is recorded once, as its handler ended it, and that each
    /// death is right.
    async fn each_attempt_is_on_record(&mut self) -> Result<(), String> {
        let attempts = self.attempts().await;
        let replays = self.sql("SELECT id, max(attempt) AS attempt FROM replays GROUP BY id").await;
        let replays: BTreeMap<EventId, i32> =
            replays.iter().map(|row| (id(row), row.get("attempt"))).collect();
        for (id, (status, last)) in &self.seen {
            let its = attempts.get(id).cloned().unwrap_or_default();
            same("attempts on record", &its.keys().copied().collect::<Vec<_>>(), &(1..=*last).collect())?;
            if let Some(ends) = its.values().find(|ends| ends.len() != 1) {
                return Err(format!("an attempt of event {id} ended more than once: {ends:?}"));
            }
            let since = replays.get(id).copied().unwrap_or(0);
            let ends: Vec<_> = its.range(since + 1..).map(|(_, ends)| ends[0].as_str()).collect();
            if *status == Status::DeadLetter && !is_death(&ends) {
                return Err(format!("event {id} is dead after {ends:?}"));
            }
        }
        for ((id, number), ending) in self.stage.played() {
            let number = i32::try_from(number).map_err(|error| error.to_string())?;
            let end = attempts.get(&id).and_then(|its| its.get(&number)).map(|ends| ends[0].as_str());
            if !fits(end, ending) {
                return Err(format!("attempt {number} of event {id}: {ending:?}, and on record is {end:?}"));
            }
        }
        Ok(())
    }

    async fn attempts(&mut self) -> BTreeMap<EventId, Attempts> {
        let rows = self
            .sql(
                "SELECT id, attempt, ended FROM attempts
                 UNION ALL SELECT id, attempt, status::text FROM outcomes WHERE status = 'PROCESSED'",
            )
            .await;
        let mut attempts: BTreeMap<EventId, Attempts> = BTreeMap::new();
        for row in &rows {
            attempts
                .entry(id(row))
                .or_default()
                .entry(row.get("attempt"))
                .or_default()
                .push(row.get("ended"));
        }
        attempts
    }

    async fn each_effect_is_there_once(&mut self) -> Result<(), String> {
        let processed = "SELECT o.id, o.attempt, (payload ->> 'weight')::bigint AS weight
                           FROM outcomes o JOIN events USING (id) WHERE status = 'PROCESSED' ORDER BY 1, 2";
        let effects = "SELECT event_id AS id, attempt, weight FROM demo_ledger ORDER BY 1, 2";
        let (processed, effects) = (self.entries(processed).await, self.entries(effects).await);
        same("effects", &effects, &processed)?;
        let ids: BTreeSet<_> = processed.iter().map(|(id, ..)| *id).collect();
        let ended = self.seen.iter().filter(|(_, (status, _))| *status == Status::Processed);
        same("the processed", &ids, &ended.map(|(id, _)| *id).collect())
    }

    async fn entries(&mut self, question: &str) -> Vec<(EventId, i32, i64)> {
        let rows = self.sql(question).await;
        rows.iter().map(|row| (id(row), row.get("attempt"), row.get("weight"))).collect()
    }

    async fn metrics_are_a_count(&mut self) -> Result<(), String> {
        let request =
            Request::get("/admin/metrics").body(Body::empty()).map_err(|error| error.to_string())?;
        let answer = self.admin.call(request).await.map_err(|error| error.to_string())?;
        let told = answered_ok("look at the metrics", &answer)?;
        let count = |status| self.seen.values().filter(|seen| seen.0 == status).count();
        let counted = json!({
            "total": self.seen.len(),
            "pending": count(Status::Pending),
            "processing": count(Status::Processing),
            "processed": count(Status::Processed),
            "failed": count(Status::Failed),
            "deadLetter": count(Status::DeadLetter),
        });
        same("metrics", &told["summary"], &counted)
    }
}

/// An event dies of four own failures, or of a permanent one.
fn is_death(ends: &[&str]) -> bool {
    let count = |names: &[&str]| ends.iter().filter(|end| names.contains(end)).count();
    count(&["FAILED", "PANICKED"]) == MAX_RETRIES as usize + 1 || ends.last() == Some(&"PERMANENT")
}

/// Tells whether a handler that ended in this way, or never ended, can have left this record.
fn fits(end: Option<&str>, ending: Option<Ending>) -> bool {
    match end {
        Some("LOST") => true,
        Some("INTERRUPTED" | "RELEASED") => ending.is_none(),
        Some("PROCESSED") => ending == Some(Ending::Success),
        Some("FAILED") => ending == Some(Ending::Failure),
        Some("PANICKED") => ending == Some(Ending::Panic),
        Some("PERMANENT") => ending == Some(Ending::Permanent),
        _ => false,
    }
}

fn id(row: &PgRow) -> EventId {
    row.get::<Uuid, _>("id").into()
}

fn same<T: PartialEq + Debug>(what: &str, found: &T, expected: &T) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{what}: {found:?}, and should be {expected:?}")) }
}
