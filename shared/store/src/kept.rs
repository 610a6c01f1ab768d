use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sqlx::pool::PoolConnection;
use sqlx::{PgPool, Postgres};
use tokio::time::error::Elapsed;
use tokio::time::sleep;

use crate::Error;
use crate::session::in_time;
use crate::watchdog::Yielded;

/// A connection whose work ended well so shortly ago needs no look at it. One that is idle for longer goes back to the pool, which
/// looks: its server may have gone meanwhile.
const FRESH: Duration = Duration::from_millis(50);

/// Connections on their way from one statement to the next, past the pool: it asks the server once when it gives a connection and
/// once when it takes it back, which is two round trips for each one of work.
#[derive(Clone)]
pub(crate) struct Kept {
    pool: PgPool,
    yielded: Yielded,
    /// The others are for who asks the pool itself.
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

    /// Only for a connection that is known to be outside of any transaction.
    pub(crate) fn keep(&self, connection: PoolConnection<Postgres>) {
        let mut idle = self.lock();
        if idle.connections.len() < self.most && !self.pool.is_closed() {
            idle.connections.push((connection, Instant::now()));
            if !std::mem::replace(&mut idle.is_swept, true) {
                tokio::spawn(self.clone().sweep());
            }
        }
    }

    /// Those that nobody has used for a while are anybody's again.
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

    /// What a statement gave within its limit, as [`in_time`] has it.
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
        // Nothing is kept from here on, and the pool waits for all that is out.
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
