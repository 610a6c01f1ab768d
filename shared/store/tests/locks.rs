//! No statement on the path of an event locks more than the weeks that its events belong to, for any number of weeks.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;
use std::time::Duration;

use common::{insert, reason};
use event::{AfterFailure, AttemptEnd, Delivery, EventId};
use futures::future::join_all;
use sqlx::Row;
use store::testing::{Database, act, database};
use store::{ClaimTerms, Claimant, Replayed, Store, StoreConfig, Succeeded};

/// A session may make the plan that it keeps at the sixth time.
const ROUNDS: usize = 8;
/// PostgreSQL keeps 16 locks of a session outside of the table that all sessions share. The triggers of this test take
/// some locks too.
const MOST: i64 = 40;

#[tokio::test]
async fn the_locks_of_a_statement_do_not_grow_with_the_weeks() {
    let (few, many) = (held(19).await, held(520).await);
    assert!(few.len() >= 9, "{few:#?}");
    let grown: Vec<_> = many.iter().filter(|(statement, locks)| **locks > few[*statement]).collect();
    assert!(grown.is_empty(), "{grown:#?}, and with 19 weeks {few:#?}");
    assert!(many.values().all(|locks| *locks <= MOST), "{many:#?}");
}

/// PostgreSQL has room for 64 locks per connection by default.
#[tokio::test]
async fn forty_claims_at_once_have_room_for_their_locks() {
    let database = with_weeks(520).await;
    assert_eq!(database.value::<String>("SHOW max_locks_per_transaction").await, "64");
    let mut ids = Vec::new();
    for _ in 0..40 {
        ids.push(insert(&database.store, "a", "{}").await);
    }
    database
        .sql(
            "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS
             'BEGIN PERFORM pg_sleep(1); RETURN NULL; END';
             CREATE TRIGGER wait AFTER UPDATE ON live FOR EACH STATEMENT EXECUTE FUNCTION wait()",
        )
        .await;
    // Each claim comes from a process of its own.
    let claims = ids.into_iter().map(|id| {
        let store = plans_once(&database);
        async move { claim(&store, id).await }
    });
    let claims = join_all(claims).await;
    assert!(claims.iter().all(|claim| matches!(claim, Delivery::Claimed(_))), "{claims:?}");
    database.remove().await;
}

/// The most locks that each statement held, as the triggers have seen in its transaction.
async fn held(weeks: usize) -> BTreeMap<String, i64> {
    let database = with_weeks(weeks).await;
    database
        .sql(
            "CREATE TABLE held (statement text, locks bigint);
             CREATE FUNCTION count_locks() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN
                 INSERT INTO held SELECT current_query(), count(*) FROM pg_locks WHERE pid = pg_backend_pid();
                 RETURN NULL;
             END $$;
             DO $$ DECLARE name text; BEGIN
                 FOREACH name IN ARRAY ARRAY['live', 'events', 'outcomes', 'attempts', 'replays'] LOOP
                     EXECUTE format('CREATE TRIGGER count_locks AFTER INSERT OR UPDATE OR DELETE ON %I
                                     FOR EACH STATEMENT EXECUTE FUNCTION count_locks()', name);
                 END LOOP;
             END $$",
        )
        .await;
    let store = plans_once(&database);
    for _ in 0..ROUNDS {
        lives(&database, &store).await;
    }
    let rows = database.sql("SELECT statement, max(locks) FROM held GROUP BY statement").await;
    let held = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    database.remove().await;
    held
}

/// Runs each statement that changes a row on the path of an event.
async fn lives(database: &Database, store: &Store) {
    assert!(matches!(claim(store, EventId::mint(common::now())).await, Delivery::Unknown));
    let id = insert(store, "a", "{}").await;
    let fail = async |attempt, then| {
        let failed = store.fail(id, attempt, reason(AttemptEnd::Failed, then)).await;
        assert!(failed.unwrap());
    };
    assert_eq!(attempt(claim(store, id).await), 1);
    assert!(matches!(claim(store, id).await, Delivery::LeaseAlive));
    fail(1, AfterFailure::PutBack { interrupted: 1, after: Duration::ZERO }).await;
    assert_eq!(store.take_overdue(10, Duration::from_mins(1)).await.unwrap().len(), 1);
    assert_eq!(attempt(claim(store, id).await), 2);
    fail(2, AfterFailure::Retry { retry_count: 1, after: Duration::ZERO, due_after: Duration::ZERO }).await;
    store.due_again(id).await.unwrap();
    // The process of this attempt is lost.
    assert_eq!(attempt(claim(store, id).await), 3);
    database.sql("UPDATE live SET lease_until = now() - interval '1 second'").await;
    assert_eq!(attempt(claim(store, id).await), 4);
    fail(4, AfterFailure::Dead { retry_count: 2 }).await;
    assert_eq!(store.replay(id, act()).await.unwrap(), Replayed::Queued);
    assert_eq!(attempt(claim(store, id).await), 5);
    assert!(store.succeed(id, 5).await.unwrap());
    assert!(matches!(claim(store, id).await, Delivery::AlreadyProcessed));
    let id = insert(store, "a", "{}").await;
    let attempt = attempt(claim(store, id).await);
    let transaction = store.begin(Duration::from_secs(5)).await.unwrap();
    assert_eq!(transaction.succeed(id, attempt).await.unwrap(), Succeeded::Committed);
}

async fn claim(store: &Store, id: EventId) -> Delivery<store::Claim> {
    let claimant = Claimant::of_message("test", "1");
    store
        .claim(id, claimant, ClaimTerms { lease: Duration::from_mins(1), isolate_after: 3, max_lost: 10 })
        .await
        .unwrap()
}

fn attempt(delivery: Delivery<store::Claim>) -> u32 {
    match delivery {
        Delivery::Claimed(claim) => claim.attempt,
        other => panic!("not claimed but {other:?}"),
    }
}

/// A store with the settings of process-push.
fn plans_once(database: &Database) -> Store {
    let config = StoreConfig {
        max_connections: 1,
        plans_once: true,
        ..StoreConfig::new(database.url.clone(), "test")
    };
    Store::new(&config).unwrap()
}

/// A database with the usual weeks of a test, and with older ones.
async fn with_weeks(weeks: usize) -> Database {
    let database = database().await;
    database
        .sql(
            "CREATE FUNCTION lowest(at timestamptz) RETURNS uuid LANGUAGE sql AS $$
                 SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
             $$;
             CREATE PROCEDURE add_weeks(weeks integer) LANGUAGE plpgsql AS $$
             DECLARE parent text; week timestamptz;
             BEGIN
                 FOR n IN 2..weeks + 1 LOOP
                     week := date_trunc('week', now()) - n * interval '1 week';
                     FOREACH parent IN ARRAY ARRAY['events', 'outcomes', 'attempts'] LOOP
                         EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
                                        parent || to_char(week, '_YYYYMMDD'), parent, lowest(week), lowest(week + interval '1 week'));
                     END LOOP;
                     COMMIT;
                 END LOOP;
             END $$",
        )
        .await;
    let there: i64 =
        database.value("SELECT count(*) FROM pg_inherits WHERE inhparent = 'events'::regclass").await;
    database.sql(&format!("CALL add_weeks({weeks} - {there})")).await;
    database
}
