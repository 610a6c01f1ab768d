use std::io::ErrorKind;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use event::EventId;
use sqlx::migrate::Migrator;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, PgPool, Postgres, Row};
use tokio::sync::Semaphore;
use tokio::time::error::Elapsed;

use crate::Error;
use crate::claim::{Look, Wanted};
use crate::finish::End;
use crate::kept::Kept;
use crate::together::Together;
use crate::watchdog::Yielded;

/// One round trip in place of sqlx's ping, which checks that this session is outside any transaction and writable. A
/// dropped `begin()` leaves a session inside a transaction, where the next INSERT is answered with OK and then lost. A
/// failover leaves a session on a read-only node.
const GATE: &str =
    "SELECT now() = statement_timestamp() AND current_setting('transaction_read_only') = 'off'";

static MIGRATIONS: Migrator = sqlx::migrate!("../../migrations");

/// The URL of the database. It is read at the start of a service, so that a wrong one is reported with the other
/// mistakes.
#[derive(Clone)]
pub struct DatabaseUrl(String);

impl FromStr for DatabaseUrl {
    /// The error gives no reason, since that could repeat a part of the password.
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_postgres = text.starts_with("postgres://") || text.starts_with("postgresql://");
        if is_postgres && text.parse::<PgConnectOptions>().is_ok() {
            Ok(Self(text.to_owned()))
        } else {
            Err("must be a URL such as postgres://user:password@host:5432/database")
        }
    }
}

impl From<DatabaseUrl> for String {
    fn from(url: DatabaseUrl) -> Self {
        url.0
    }
}

#[derive(Clone)]
pub struct StoreConfig {
    pub url: String,
    /// Shown in `pg_stat_activity`.
    pub application: &'static str,
    pub max_connections: u32,
    /// The number of connections that handlers may have at once. The others stay for single statements.
    pub max_transactions: u32,
    /// The time that a request waits for a connection before it is told that the database is not available.
    pub acquire_timeout: Duration,
    pub statement_timeout: Duration,
    /// True for a service whose statements are few and find rows by their keys. Each session then plans a statement
    /// once, since planning it takes longer than running it.
    pub plans_once: bool,
}

impl StoreConfig {
    pub fn new(url: impl Into<String>, application: &'static str) -> Self {
        Self {
            url: url.into(),
            application,
            max_connections: 10,
            max_transactions: 10,
            acquire_timeout: Duration::from_secs(3),
            statement_timeout: Duration::from_secs(30),
            plans_once: false,
        }
    }
}

/// A kept plan is made while a table may still be small, and must be right when it is large. So it goes by indexes.
const PLANS_ONCE: [(&str, &str); 2] = [("plan_cache_mode", "force_generic_plan"), ("enable_seqscan", "off")];

#[derive(Clone)]
pub struct Store {
    pub(crate) pool: PgPool,
    pub(crate) options: PgConnectOptions,
    pub(crate) kept: Kept,
    pub(crate) yielded: Yielded,
    /// The time limit of a statement here, which is longer than that of the server.
    pub(crate) statement_limit: Duration,
    pub(crate) transactions: Arc<Semaphore>,
    pub(crate) claims: Together<Wanted, Result<Look, Error>>,
    pub(crate) ends: Together<(EventId, u32), Result<End, Error>>,
}

impl Store {
    /// Connects on first use, so that a service listens before its database is available.
    pub fn new(config: &StoreConfig) -> Result<Self, Error> {
        let options: PgConnectOptions = config.url.parse().map_err(Error::Database)?;
        let options = options
            .application_name(config.application)
            .options([
                ("statement_timeout", millis(config.statement_timeout)),
                // If a process loses its CPU, its transaction must not hold its rows, or the log's readers, for ever.
                ("idle_in_transaction_session_timeout", "90000".into()),
                ("timezone", "UTC".into()),
                // Every statement here should touch a few rows. If the planner guesses otherwise, starting workers or a
                // compiler for it takes longer than the statement does.
                ("max_parallel_workers_per_gather", "0".into()),
                ("jit", "off".into()),
            ])
            .disable_statement_logging();
        let options = if config.plans_once { options.options(PLANS_ONCE) } else { options };
        let yielded = Yielded::new();
        let (at_connect, at_acquire) = (yielded.clone(), yielded.clone());
        let pool = PgPoolOptions::new()
            .max_connections(config.max_connections)
            .acquire_timeout(config.acquire_timeout)
            .idle_timeout(Duration::from_mins(5))
            .test_before_acquire(false)
            .after_connect(move |_, _| {
                at_connect.now();
                Box::pin(async { Ok(()) })
            })
            .before_acquire(move |connection, _| {
                let yielded = at_acquire.clone();
                Box::pin(async move {
                    let fit: bool = sqlx::raw_sql(GATE).fetch_one(connection).await?.try_get(0)?;
                    if fit {
                        yielded.now();
                    } else {
                        tracing::warn!("closed a session that was inside a transaction, or read-only");
                    }
                    Ok(fit)
                })
            })
            .connect_lazy_with(options.clone());
        let statement_limit = config.statement_timeout + Duration::from_secs(1);
        let transactions = Arc::new(Semaphore::new(
            usize::try_from(config.max_transactions).unwrap_or(Semaphore::MAX_PERMITS),
        ));
        let (claims, ends) = (Together::new(), Together::new());
        let most = usize::try_from(config.max_connections / 2).unwrap_or_default();
        let kept = Kept::new(pool.clone(), yielded.clone(), most);
        Ok(Self { pool, options, kept, yielded, statement_limit, transactions, claims, ends })
    }

    /// Runs the work to its end in a task of its own. A request that goes away drops its futures, and a dropped
    /// statement can leave its connection in an unexpected state.
    pub(crate) async fn run<T, F>(&self, work: impl FnOnce(PgPool) -> F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        tokio::spawn(work(self.pool.clone())).await?
    }

    /// Well once a connection works and the latest migration that this code knows is applied: what a service needs before it can work.
    pub async fn ready(&self) -> Result<(), Error> {
        let migrated: bool = self
            .run(|pool| async move {
                if !sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations') IS NOT NULL")
                    .fetch_one(&pool)
                    .await?
                {
                    return Ok(false);
                }
                let latest = MIGRATIONS.iter().map(|migration| migration.version).max();
                let applied = "SELECT EXISTS (SELECT FROM _sqlx_migrations WHERE version = $1 AND success)";
                Ok(sqlx::query_scalar(applied).bind(latest).fetch_one(&pool).await?)
            })
            .await?;
        migrated.then_some(()).ok_or(Error::NotMigrated)
    }

    /// Applies the missing migrations, and makes partitions ahead.
    pub async fn migrate(&self) -> Result<Vec<String>, Error> {
        self.run(|pool| async move {
            // Without this, an unavailable database would be reported as a migration that failed.
            drop(pool.acquire().await?);
            MIGRATIONS.run(&pool).await?;
            Ok(())
        })
        .await?;
        self.make_partitions().await
    }

    pub async fn close(&self) {
        self.kept.close().await;
    }
}

/// The result of a statement within its limit. The server has a shorter limit of its own. If nothing is heard of that,
/// the other end is gone silently, so the connection is closed and not pooled.
pub(crate) fn in_time<T>(
    mut connection: PoolConnection<Postgres>,
    result: Result<Result<T, Error>, Elapsed>,
) -> Result<T, Error> {
    result.unwrap_or_else(|_| {
        connection.close_on_drop();
        Err(sqlx::Error::Io(ErrorKind::TimedOut.into()).into())
    })
}

fn millis(duration: Duration) -> String {
    duration.as_millis().to_string()
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
