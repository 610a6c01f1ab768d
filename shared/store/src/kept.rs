use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sqlx::pool::PoolConnection;
use sqlx::{PgPool, Postgres};
use tokio::time::error::Elapsed;
use tokio::time::sleep;

use crate::Error;
use crate::session::in_time;
use crate::watchdog::Yielded;

/// A connection that ended its work well within this time needs no check. One that is idle for longer goes back to the
/// pool, which checks it, since its server may be gone meanwhile.
const FRESH: Duration = Duration::from_millis(50);

/// Connections that go from one statement to the next without the pool. The pool asks the server once when it gives a
/// connection and once when it takes it back, which is two round trips for each one of work.
#[derive(Clone)]
pub(crate) struct Kept {
    pool: PgPool,
    yielded: Yielded,
    /// The most connections that are kept. The others are for callers that ask the pool itself.
    most: usize,
    idle: Arc<Mutex<Idle>>,
}

#[derive(Default)]
struct Idle {
    connections: Vec<(PoolConnection<Postgres>, Instant)>,
    is_swept: bool,
}

impl Kept {
    pub(crate) fn new(pool: PgPool, yielded: Yielded, most: usize) -> Self {
        Self { pool, yielded, most, idle: Arc::default() }
    }

    pub(crate) async fn take(&self) -> Result<PoolConnection<Postgres>, Error> {
        let last = self.lock().connections.pop();
        match last {
            Some((connection, since)) if since.elapsed() < FRESH => {
                self.yielded.now();
                Ok(connection)
            }
            _ => Ok(self.pool.acquire().await?),
        }
    }

    /// Keeps a connection, which must be known to be outside of any transaction.
    pub(crate) fn keep(&self, connection: PoolConnection<Postgres>) {
        let mut idle = self.lock();
        if idle.connections.len() < self.most && !self.pool.is_closed() {
            idle.connections.push((connection, Instant::now()));
            if !std::mem::replace(&mut idle.is_swept, true) {
                tokio::spawn(self.clone().sweep());
            }
        }
    }

    /// Gives connections that were not used for a while back to the pool.
    async fn sweep(self) {
        loop {
            sleep(FRESH).await;
            let mut idle = self.lock();
            idle.connections.retain(|(_, since)| since.elapsed() < FRESH);
            if idle.connections.is_empty() {
                idle.is_swept = false;
                return;
            }
        }
    }

    /// The result of a statement within its limit, as in [`in_time`]. After a success the connection is kept.
    pub(crate) fn after<T>(
        &self,
        connection: PoolConnection<Postgres>,
        result: Result<Result<T, Error>, Elapsed>,
    ) -> Result<T, Error> {
        match result {
            Ok(Ok(value)) => {
                self.keep(connection);
                Ok(value)
            }
            failed => in_time(connection, failed),
        }
    }

    pub(crate) async fn close(&self) {
        let closed = self.pool.close();
        // No connection is kept from here on, and the pool waits for all that are in use.
        self.lock().connections.clear();
        closed.await;
    }

    fn lock(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[path = "kept_tests.rs"]
mod tests;
