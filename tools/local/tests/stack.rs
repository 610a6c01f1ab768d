//! The stack as a test uses it.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use local::stack::{Options, Part, Stack};
use sqlx::{Connection, Executor, PgConnection};

const ALL_BUT_THE_DATABASE: [Part; 8] = [
    Part::Oidc,
    Part::Pubsub,
    Part::Bigquery,
    Part::Ingest,
    Part::ProcessPush,
    Part::Admin,
    Part::BqFlush,
    Part::Scheduler,
];

#[tokio::test]
async fn the_database_survives_its_crash_and_leaves_nothing() {
    let options = Options::for_test(&[]).unwrap().without(&ALL_BUT_THE_DATABASE);
    let stack = Stack::start(options).await.unwrap();
    let url = stack.database_url();
    let mut before = PgConnection::connect(&url).await.unwrap();
    let write = sqlx::raw_sql("CREATE TABLE kept AS SELECT 7 AS n");
    before.execute(write).await.unwrap();
    let first = stack.pid(Part::Postgres).unwrap();

    stack.kill(Part::Postgres).await.unwrap();
    stack.ready(Part::Postgres).await.unwrap();
    assert_ne!(stack.pid(Part::Postgres).unwrap(), first);
    let mut after = PgConnection::connect(&url).await.unwrap();
    let read = sqlx::query_scalar("SELECT n FROM kept");
    let kept: i32 = read.fetch_one(&mut after).await.unwrap();
    assert_eq!(kept, 7);

    let data = stack.logs().parent().unwrap().to_owned();
    stack.stop().await.unwrap();
    assert!(PgConnection::connect(&url).await.is_err());
    assert!(!Path::new(&data).exists());
}
