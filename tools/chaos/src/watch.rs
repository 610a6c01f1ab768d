//! Checks what has to hold at every moment of the run, and not only at its end.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use sqlx::PgConnection;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::Error;
use crate::warehouse::Warehouse;
use crate::world::World;

const EVERY: Duration = Duration::from_millis(300);

pub(crate) struct Watch {
    stop: CancellationToken,
    task: JoinHandle<Seen>,
}

/// The observations of the watch, and the promises that were broken.
#[derive(Default)]
pub(crate) struct Seen {
    fences: HashMap<Uuid, i32>,
    ends: HashMap<(Uuid, i32), String>,
    /// Every outcome with a transaction ID below this one has been read.
    low: String,
    rows: u64,
    pub(crate) looks: usize,
    pub(crate) broken: Vec<String>,
}

impl Watch {
    pub(crate) fn start(world: Arc<World>) -> Self {
        let stop = CancellationToken::new();
        let task = tokio::spawn(watch(world, stop.clone()));
        Self { stop, task }
    }

    pub(crate) async fn stop(self) -> Result<Seen, Error> {
        self.stop.cancel();
        Ok(self.task.await?)
    }
}

async fn watch(world: Arc<World>, stop: CancellationToken) -> Seen {
    let mut seen = Seen { low: "0".into(), ..Seen::default() };
    let mut database = None;
    while !stop.is_cancelled() {
        if database.is_none() {
            database = world.database().await.ok();
        }
        if let Some(connection) = &mut database {
            // PostgreSQL is away at times, so the next look uses a new connection.
            if seen.look(connection).await.is_err() {
                database = None;
            }
        }
        // BigQuery is away at times, so an error is ignored.
        if let Ok(rows) = Warehouse::of(&world).count().await {
            seen.count(rows);
        }
        sleep(EVERY).await;
    }
    seen
}

impl Seen {
    async fn look(&mut self, database: &mut PgConnection) -> Result<(), Error> {
        let live: Vec<(Uuid, i32)> =
            sqlx::query_as("SELECT id, attempt FROM live").fetch_all(&mut *database).await?;
        for (id, attempt) in live {
            let fence = self.fences.entry(id).or_default();
            if attempt < *fence {
                self.broken.push(format!("the fence of {id} fell from {fence} to {attempt}"));
            }
            *fence = attempt.max(*fence);
        }
        let (high,): (String,) = sqlx::query_as("SELECT pg_snapshot_xmin(pg_current_snapshot())::text")
            .fetch_one(&mut *database)
            .await?;
        let ends: Vec<(Uuid, i32, String)> = sqlx::query_as(
            "SELECT id, attempt, status::text FROM outcomes WHERE xid >= $1::text::xid8 AND xid < $2::text::xid8",
        )
        .bind(&self.low)
        .bind(&high)
        .fetch_all(&mut *database)
        .await?;
        self.ends.extend(ends.into_iter().map(|(id, attempt, status)| ((id, attempt), status)));
        self.low = high;
        self.looks += 1;
        Ok(())
    }

    fn count(&mut self, rows: u64) {
        if rows < self.rows {
            self.broken.push(format!("BigQuery had {} rows and then {rows}", self.rows));
        }
        self.rows = rows;
    }

    /// Checks that every end that was seen is unchanged at the end of the run.
    pub(crate) fn compare(&mut self, ends: &HashMap<(Uuid, i32), String>) {
        for ((id, attempt), status) in &self.ends {
            let now = ends.get(&(*id, *attempt));
            if now != Some(status) {
                self.broken
                    .push(format!("{id} ended as {status} in attempt {attempt}, and later that was {now:?}"));
            }
        }
    }
}
