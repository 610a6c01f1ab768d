use std::collections::{HashMap, HashSet};

use local::stack::Part;
use serde::Deserialize;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::Error;
use crate::world::World;

pub(super) const PROCESSED: &str = "PROCESSED";
pub(super) const DEAD: &str = "DEAD_LETTER";

/// The content of PostgreSQL, table by table.
pub(super) struct Stored {
    /// The number of each event, which is also its weight.
    pub(super) events: HashMap<Uuid, i64>,
    /// The status of each unfinished event.
    pub(super) live: HashMap<Uuid, String>,
    /// The ends of each event by its id, in the order of the attempts.
    pub(super) ends: HashMap<Uuid, Vec<(i32, String)>>,
    pub(super) attempts: HashMap<Uuid, HashSet<i32>>,
    pub(super) replays: HashMap<Uuid, usize>,
    pub(super) effects: HashMap<Uuid, Vec<(i32, i64)>>,
    pub(super) rejects: HashSet<Uuid>,
    pub(super) unreadable: Vec<String>,
}

impl Stored {
    /// Reads all tables in one snapshot.
    pub(super) async fn read(database: &mut PgConnection) -> Result<Self, Error> {
        sqlx::raw_sql("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY").execute(&mut *database).await?;
        let stored = Self::read_tables(database).await;
        sqlx::raw_sql("COMMIT").execute(database).await?;
        stored
    }

    async fn read_tables(database: &mut PgConnection) -> Result<Self, Error> {
        let events: Vec<(Uuid, i64)> =
            sqlx::query_as("SELECT id, (payload ->> 'weight')::bigint FROM events")
                .fetch_all(&mut *database)
                .await?;
        let live: Vec<(Uuid, String)> =
            sqlx::query_as("SELECT id, status::text FROM live").fetch_all(&mut *database).await?;
        let ends: Vec<(Uuid, i32, String)> =
            sqlx::query_as("SELECT id, attempt, status::text FROM outcomes ORDER BY id, attempt")
                .fetch_all(&mut *database)
                .await?;
        let attempts: Vec<(Uuid, i32)> =
            sqlx::query_as("SELECT id, attempt FROM attempts").fetch_all(&mut *database).await?;
        let replays: Vec<(Uuid,)> =
            sqlx::query_as("SELECT id FROM replays").fetch_all(&mut *database).await?;
        let effects: Vec<(Uuid, i32, i64)> =
            sqlx::query_as("SELECT event_id, attempt, weight FROM demo_ledger")
                .fetch_all(&mut *database)
                .await?;
        let rejects: Vec<(Uuid,)> = sqlx::query_as("SELECT id FROM load_rejects WHERE reloaded_at IS NULL")
            .fetch_all(&mut *database)
            .await?;
        let unreadable: Vec<(String,)> =
            sqlx::query_as("SELECT reason FROM unreadable").fetch_all(&mut *database).await?;
        Ok(Self {
            events: events.into_iter().collect(),
            live: live.into_iter().collect(),
            ends: grouped(ends.into_iter().map(|(id, attempt, status)| (id, (attempt, status)))),
            attempts: grouped(attempts.into_iter()),
            replays: grouped::<Vec<_>, _>(replays.into_iter().map(|(id,)| (id, ())))
                .into_iter()
                .map(|(id, all)| (id, all.len()))
                .collect(),
            effects: grouped(effects.into_iter().map(|(id, attempt, weight)| (id, (attempt, weight)))),
            rejects: rejects.into_iter().map(|(id,)| id).collect(),
            unreadable: unreadable.into_iter().map(|(reason,)| reason).collect(),
        })
    }
}

fn grouped<C: Default + Extend<T>, T>(pairs: impl Iterator<Item = (Uuid, T)>) -> HashMap<Uuid, C> {
    let mut groups: HashMap<Uuid, C> = HashMap::new();
    for (id, item) in pairs {
        groups.entry(id).or_default().extend([item]);
    }
    groups
}

/// The summary of `GET /admin/metrics`, which has to equal a count of the rows.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Summary {
    pub(super) total: usize,
    pub(super) processed: usize,
    pub(super) dead_letter: usize,
    pub(super) pending: usize,
    pub(super) processing: usize,
    pub(super) failed: usize,
}

impl Summary {
    /// Counts the events of the snapshot by status.
    pub(super) fn of(stored: &Stored) -> Self {
        let mut counted = Self { total: stored.events.len(), ..Self::default() };
        for id in stored.events.keys() {
            let ended = || stored.ends.get(id).and_then(|ends| ends.last()).map(|(_, status)| status);
            match stored.live.get(id).or_else(ended).map(String::as_str) {
                Some("PENDING") => counted.pending += 1,
                Some("PROCESSING") => counted.processing += 1,
                Some("FAILED") => counted.failed += 1,
                Some(PROCESSED) => counted.processed += 1,
                Some(_) => counted.dead_letter += 1,
                None => {}
            }
        }
        counted
    }

    pub(super) async fn ask(world: &World) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Metrics {
            summary: Summary,
        }
        let url = format!("{}/admin/metrics", world.stack.url(Part::Admin));
        let metrics: Metrics = world.client.get(url).send().await?.error_for_status()?.json().await?;
        Ok(metrics.summary)
    }
}
