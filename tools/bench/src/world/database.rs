use std::time::Duration;

use local::stack::Part;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::{Service, World};
use crate::{Error, processes};

/// A database. Each row has one of its own, so that no row finds the data of another.
#[derive(Clone)]
pub(crate) struct Database {
    pub(crate) name: String,
    pub(crate) url: String,
}

impl World {
    pub(crate) fn database(&self, name: &str) -> Database {
        let url = format!("postgres://postgres@127.0.0.1:{}/{name}", self.postgres_port());
        Database { name: name.to_owned(), url }
    }

    pub(crate) async fn empty_database(&self, name: &str) -> Result<Database, Error> {
        self.create_database(&format!("CREATE DATABASE {name}"), name).await
    }

    /// Creates a database with all its tables.
    pub(crate) async fn migrated_database(&self, name: &str) -> Result<Database, Error> {
        let database = self.empty_database(name).await?;
        let mut migration = Service::command(self, Part::Admin, &database, &[]);
        let output = migration.arg("migrate").output().await?;
        if !output.status.success() {
            return Err(format!("admin migrate: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        Ok(database)
    }

    /// Copies a database. No session may be connected to the original.
    pub(crate) async fn copied_database(&self, name: &str, from: &Database) -> Result<Database, Error> {
        let create = format!("CREATE DATABASE {name} TEMPLATE {} STRATEGY file_copy", from.name);
        self.create_database(&create, name).await
    }

    pub(crate) async fn has_database(&self, name: &str) -> Result<bool, Error> {
        let question = format!("SELECT EXISTS (SELECT FROM pg_database WHERE datname = '{name}')");
        self.database("postgres").value(&question).await
    }

    pub(crate) async fn drop_database(&self, database: &Database) -> Result<(), Error> {
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", database.name);
        self.database("postgres").sql(&drop).await
    }

    /// Replaces a database that a failed row has left behind.
    async fn create_database(&self, create: &str, name: &str) -> Result<Database, Error> {
        let database = self.database(name);
        self.drop_database(&database).await?;
        self.database("postgres").sql(create).await?;
        Ok(database)
    }
}

/// The CPU time of all of PostgreSQL, including its background processes and processes that have ended.
impl World {
    pub(crate) async fn postgres_cpu(&self) -> Result<Duration, Error> {
        let alive = self.database("postgres").pids("backend_type IS NOT NULL").await?;
        Ok(processes::cpu_of_all(&alive)? + processes::cpu_with_the_dead(self.postgres_pid()?)?)
    }
}

impl Database {
    pub(crate) async fn connect(&self) -> Result<PgConnection, Error> {
        Ok(PgConnection::connect(&self.url).await?)
    }

    /// Several statements in one call are one transaction.
    pub(crate) async fn sql(&self, statement: &str) -> Result<(), Error> {
        let mut connection = self.connect().await?;
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut connection).await?;
        Ok(connection.close().await?)
    }

    pub(crate) async fn value<T>(&self, question: &str) -> Result<T, Error>
    where
        (T,): for<'r> sqlx::FromRow<'r, PgRow> + Send + Unpin,
    {
        let mut connection = self.connect().await?;
        let (value,): (T,) =
            sqlx::query_as(AssertSqlSafe(question.to_owned())).fetch_one(&mut connection).await?;
        connection.close().await?;
        Ok(value)
    }

    /// The backends of all connections to this database.
    pub(crate) async fn backends(&self) -> Result<Vec<u32>, Error> {
        self.pids("backend_type = 'client backend' AND datname = current_database()").await
    }

    /// Returns the selected processes, without the one that runs the query.
    async fn pids(&self, which: &str) -> Result<Vec<u32>, Error> {
        let question = format!("SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND {which}");
        let mut connection = self.connect().await?;
        let pids: Vec<(i32,)> = sqlx::query_as(AssertSqlSafe(question)).fetch_all(&mut connection).await?;
        connection.close().await?;
        Ok(pids.into_iter().map(|(pid,)| pid.cast_unsigned()).collect())
    }
}
