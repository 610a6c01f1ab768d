use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection};
use tokio::time::{sleep, timeout};

use crate::Store;

/// The time after which a pool that yields nothing may be dead. It is longer than any handler may hold its connection,
/// so that a pool that is only busy yields one in between.
const PATIENCE: Duration = Duration::from_mins(2);

/// The time when the pool last gave a working connection.
#[derive(Clone)]
pub(crate) struct Yielded {
    start: Instant,
    millis: Arc<AtomicU64>,
}

impl Yielded {
    pub(crate) fn new() -> Self {
        Self { start: Instant::now(), millis: Arc::new(AtomicU64::new(0)) }
    }

    pub(crate) fn now(&self) {
        let millis = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.millis.store(millis, Ordering::Relaxed);
    }

    fn ago(&self) -> Duration {
        self.start.elapsed().saturating_sub(Duration::from_millis(self.millis.load(Ordering::Relaxed)))
    }
}

impl Store {
    /// Returns when the pool yields nothing although the database can be reached. Then the pool's sockets are dead, the
    /// pool will not give them up, and only a new process helps. An outage of the database itself is no reason to
    /// return.
    pub async fn watchdog(self) {
        self.watch(PATIENCE).await;
        tracing::error!("the pool of connections is dead, and the database is well");
    }

    pub(crate) async fn watch(&self, patience: Duration) {
        let mut failures = 0;
        loop {
            sleep(patience / 10).await;
            // This runs in a task of its own, like every request to the database.
            let asked = self.run(|pool| async move { Ok(pool.acquire().await?) }).await;
            // One failure is not enough, since a process that had no CPU for a while finds that every limit has passed.
            failures = if asked.is_ok() { 0 } else { failures + 1 };
            if failures >= 3 && self.yielded.ago() > patience && is_reachable(&self.options).await {
                return;
            }
        }
    }
}

async fn is_reachable(options: &PgConnectOptions) -> bool {
    let connect = async { options.connect().await?.close().await };
    matches!(timeout(Duration::from_secs(5), connect).await, Ok(Ok(())))
}

#[cfg(test)]
#[path = "watchdog_tests.rs"]
mod tests;
