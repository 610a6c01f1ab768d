//! Tests that deliveries and ends that come together share statements, and that none affects another.
#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use common::{Life, insert};
use event::{Delivery, EventId};
use futures::future::join_all;
use sqlx::{Connection, Executor, PgConnection};
use tokio::time::timeout;

fn attempt(delivery: &Delivery<store::Claim>) -> Option<u32> {
    match delivery {
        Delivery::Claimed(claim) => Some(claim.attempt),
        _ => None,
    }
}

#[tokio::test]
async fn of_copies_that_come_together_one_is_claimed() {
    let life = Life::begin().await;
    let copies = join_all((0..20).map(|_| life.deliver())).await;
    assert_eq!(copies.iter().filter_map(attempt).collect::<Vec<_>>(), [1]);
    let others = copies.iter().filter(|copy| attempt(copy).is_none());
    assert!(others.into_iter().all(|copy| matches!(copy, Delivery::LeaseAlive)), "{copies:?}");
}

#[tokio::test]
async fn each_gets_its_own_event_and_its_own_end() {
    let life = Life::begin().await;
    let mut ids = Vec::new();
    for n in 0..50 {
        ids.push(insert(&life.store, "a", &format!(r#"{{"n":{n}}}"#)).await);
    }
    let unknown = EventId::mint(common::now());
    let (claims, stranger) =
        tokio::join!(join_all(ids.iter().map(|id| life.deliver_to(*id))), life.deliver_to(unknown));
    assert!(matches!(stranger, Delivery::Unknown), "{stranger:?}");
    for (n, (id, delivery)) in ids.iter().zip(&claims).enumerate() {
        let Delivery::Claimed(claim) = delivery else { panic!("not claimed but {delivery:?}") };
        assert_eq!((claim.id, claim.payload.get()), (*id, format!(r#"{{"n":{n}}}"#).as_str()));
    }
    // Every third end has the number of another attempt.
    let ends = ids.iter().enumerate().map(|(n, id)| {
        let attempt = if n % 3 == 0 { 7 } else { 1 };
        life.store.succeed(*id, attempt)
    });
    let ended: Vec<_> = join_all(ends).await.into_iter().map(Result::unwrap).collect();
    assert!(ended.iter().enumerate().all(|(n, is_ended)| *is_ended == (n % 3 != 0)), "{ended:?}");
    assert_eq!(life.database.value::<i64>("SELECT count(*) FROM outcomes").await, 33);
    assert_eq!(life.database.value::<i64>("SELECT count(*) FROM live").await, 18);
}

/// A process that is frozen in its transaction holds its row for as long as the server allows.
#[tokio::test]
async fn who_holds_one_row_holds_up_no_other() {
    let life = Life::begin().await;
    let (held, free) = (life.id, insert(&life.store, "a", "{}").await);
    let ended = insert(&life.store, "a", "{}").await;
    assert!(attempt(&life.deliver_to(ended).await).is_some());
    let mut holder = PgConnection::connect(&life.database.url).await.unwrap();
    holder.execute("BEGIN").await.unwrap();
    sqlx::query("SELECT id FROM live WHERE id = ANY($1) FOR UPDATE")
        .bind([held.uuid(), ended.uuid()])
        .fetch_all(&mut holder)
        .await
        .unwrap();
    let mut of_held = Box::pin(life.deliver());
    assert!(timeout(Duration::from_millis(100), &mut of_held).await.is_err(), "its row is held");
    let mut of_ended = Box::pin(life.store.succeed(ended, 1));
    assert!(timeout(Duration::from_millis(100), &mut of_ended).await.is_err(), "its row is held");
    assert!(attempt(&life.deliver_to(free).await).is_some());
    assert!(life.store.succeed(free, 1).await.unwrap());
    holder.execute("ROLLBACK").await.unwrap();
    assert_eq!(attempt(&of_held.await), Some(1));
    assert!(of_ended.await.unwrap());
}

/// A process that was frozen ends its attempt in the same statement as the one that has overtaken it.
#[tokio::test]
async fn of_two_attempts_that_end_together_only_the_latest_is_told_that_it_was_written() {
    for _ in 0..10 {
        let life = Life::begin().await;
        let first = insert(&life.store, "a", "{}").await;
        life.deliver_to(first).await;
        life.claimed().await;
        life.lease_ends().await;
        assert_eq!(life.claimed().await.attempt, 2);
        // The first end runs alone, and the ends that come meanwhile share a statement.
        let ends = [(first, 1), (life.id, 1), (life.id, 2)];
        let ended = join_all(ends.map(|(id, attempt)| life.store.succeed(id, attempt))).await;
        let ended: Vec<_> = ended.into_iter().map(Result::unwrap).collect();
        assert_eq!(ended[1..], [false, true]);
        assert_eq!(life.database.value::<i32>("SELECT max(attempt) FROM outcomes").await, 2);
    }
}
