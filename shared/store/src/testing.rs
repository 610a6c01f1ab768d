//! A database of its own for each test, copied from a template that is migrated once for each run of the tests.

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Decode, PgConnection, Postgres, Row, Type};
use uuid::Uuid;

use crate::{Act, Store, StoreConfig};

pub struct Database {
    pub url: String,
    pub store: Store,
}

/// The trace of an event if its trace does not matter.
pub const TRACE_ID: Uuid = Uuid::from_u128(0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736);

/// An actor that may change everything.
pub fn act() -> Act {
    Act {
        actor: "somebody".into(),
        role: "owner".into(),
        address: Some("192.0.2.7".into()),
        request_id: Some("r-1".into()),
    }
}

/// A database with all of its tables.
#[allow(clippy::expect_used)]
pub async fn database() -> Database {
    let server = server();
    let mut connection = server.connect().await.expect("the server of DATABASE_URL answers");
    let template = template(&mut connection, &server).await;
    let name = format!("test_{}", Uuid::new_v4().simple());
    create(&mut connection, &name, &template).await;
    let url = server.database(&name).to_url_lossy().to_string();
    let store = Store::new(&StoreConfig { max_connections: 5, ..StoreConfig::new(url.clone(), "test") })
        .expect("the URL was parsed before");
    Database { url, store }
}

/// The URL of a database without a table.
#[allow(clippy::expect_used)]
pub async fn empty_database() -> String {
    let server = server();
    let mut connection = server.connect().await.expect("the server of DATABASE_URL answers");
    let name = format!("test_{}", Uuid::new_v4().simple());
    create(&mut connection, &name, "template1").await;
    server.database(&name).to_url_lossy().to_string()
}

/// Needs `DATABASE_URL` with the right to create databases: `make test` starts a server and sets it.
#[allow(clippy::expect_used)]
fn server() -> PgConnectOptions {
    let url = std::env::var("DATABASE_URL").expect("DATABASE_URL is not set: run the tests with `make test`");
    url.parse().expect("DATABASE_URL is not a PostgreSQL URL")
}

/// Makes the template if it is missing. It is named after the migrations, so that a change of them makes a new one.
#[allow(clippy::expect_used)]
async fn template(connection: &mut PgConnection, server: &PgConnectOptions) -> String {
    let migrations = sqlx::migrate!("../../migrations");
    let sum = migrations.iter().fold(0_u64, |sum, migration| {
        migration.checksum.iter().fold(sum, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte)))
    });
    let name = format!("template_{sum:x}");
    sqlx::query("SELECT pg_advisory_lock(77)").execute(&mut *connection).await.expect("a lock");
    let there: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1 AND datistemplate)")
            .bind(&name)
            .fetch_one(&mut *connection)
            .await
            .expect("a look at the databases");
    if !there {
        let drop = format!("DROP DATABASE IF EXISTS {name}");
        sqlx::raw_sql(AssertSqlSafe(drop)).execute(&mut *connection).await.expect("no half-made template");
        create(connection, &name, "template1").await;
        let url = server.clone().database(&name).to_url_lossy().to_string();
        let store = Store::new(&StoreConfig::new(url, "template")).expect("the URL was parsed before");
        store.migrate().await.expect("the migrations apply");
        store.make_demo_ledger().await.expect("the table that tests count effects in");
        store.close().await;
        let seal = format!("ALTER DATABASE {name} IS_TEMPLATE true");
        sqlx::raw_sql(AssertSqlSafe(seal)).execute(&mut *connection).await.expect("the template is sealed");
    }
    sqlx::query("SELECT pg_advisory_unlock(77)").execute(connection).await.expect("the lock is given back");
    name
}

#[allow(clippy::expect_used)]
async fn create(connection: &mut PgConnection, name: &str, template: &str) {
    let create = format!("CREATE DATABASE {name} TEMPLATE {template}");
    sqlx::raw_sql(AssertSqlSafe(create)).execute(connection).await.expect("a database of its own");
}

impl Database {
    /// Drops the database, for a test that uses many of them. Open connections are cut off.
    #[allow(clippy::expect_used)]
    pub async fn remove(self) {
        self.store.close().await;
        let mut connection = server().connect().await.expect("the server of DATABASE_URL answers");
        let name = self.url.parse::<PgConnectOptions>().expect("it was made from one");
        let name = name.get_database().expect("it has a name").to_owned();
        let drop = format!("DROP DATABASE {name} WITH (FORCE)");
        sqlx::raw_sql(AssertSqlSafe(drop)).execute(&mut connection).await.expect("it is dropped");
    }

    /// The one value that a query of the database returns.
    #[allow(clippy::expect_used)]
    pub async fn value<T>(&self, question: &str) -> T
    where
        T: for<'r> Decode<'r, Postgres> + Type<Postgres>,
    {
        let rows = self.sql(question).await;
        rows[0].try_get(0).expect("the value is of this type")
    }

    /// Runs SQL for a test that no service would run.
    #[allow(clippy::expect_used)]
    pub async fn sql(&self, statement: &str) -> Vec<sqlx::postgres::PgRow> {
        let mut connection = PgConnection::connect(&self.url).await.expect("the test's database answers");
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
            .fetch_all(&mut connection)
            .await
            .expect("the test's SQL is right")
    }
}
