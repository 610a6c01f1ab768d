//! Tests that compare the totals with a count of the log.
#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use common::{Life, folded, insert, reason};
use event::{AfterFailure, AttemptEnd, Delivery};
use store::{Correction, Store};
use tokio::time::Instant;

async fn audit(store: &Store, every: Duration) -> Vec<Correction> {
    store.audit_counts(every, 2, Instant::now() + Duration::from_mins(1)).await.unwrap()
}

/// Seven events of two types; one is processed, one dead, one dead and replayed.
async fn log() -> Life {
    let life = Life::begin().await;
    let mut ids = vec![life.id];
    for _ in 0..6 {
        ids.push(insert(&life.store, "b", "{}").await);
    }
    for id in &ids[..3] {
        let Delivery::Claimed(claim) = life.deliver_to(*id).await else { panic!("{id}") };
        let dead = reason(AttemptEnd::Permanent, AfterFailure::Dead { retry_count: 0 });
        if *id == life.id {
            assert!(life.store.succeed(*id, claim.attempt).await.unwrap());
        } else {
            assert!(life.store.fail(*id, claim.attempt, dead).await.unwrap());
        }
    }
    life.store.replay(ids[2], store::testing::act()).await.unwrap();
    folded(&life.database).await;
    life
}

#[tokio::test]
async fn totals_that_are_right_stay_and_the_count_is_not_made_at_every_call() {
    let life = log().await;
    assert_eq!(audit(&life.store, Duration::ZERO).await, []);
    life.database.sql("UPDATE event_totals SET count = count + 1").await;
    assert_eq!(audit(&life.store, Duration::from_hours(1)).await, [], "the last one was a moment ago");
    assert_eq!(audit(&life.store, Duration::ZERO).await.len(), 2);
}

#[tokio::test]
async fn totals_that_are_wrong_are_told_and_put_right() {
    let life = log().await;
    life.database
        .sql(
            "UPDATE event_totals SET count = 9 WHERE event_type = 'b';
             DELETE FROM event_totals WHERE event_type = 'a';
             INSERT INTO event_totals VALUES ('never', 2);
             UPDATE outcome_totals SET count = count - 1, seconds = seconds + 100 WHERE status = 'PROCESSED';",
        )
        .await;
    let told = audit(&life.store, Duration::ZERO).await;
    let told: Vec<_> = told.into_iter().map(|it| (it.name, it.folded, it.counted)).collect();
    let expected = [("a", 0, 1), ("b", 9, 6), ("never", 2, 0), ("PROCESSED", 0, 1)];
    assert_eq!(told, expected.map(|(name, folded, counted)| (name.to_owned(), folded, counted)));
    let metrics = life.store.metrics().await.unwrap();
    assert_eq!((metrics.total, metrics.processed, metrics.dead_letter, metrics.pending), (7, 1, 1, 5));
    assert!(metrics.average_processing_seconds < 50.0);
    assert_eq!(audit(&life.store, Duration::ZERO).await, []);
}

/// In the other cluster the rows have other transaction ids.
#[tokio::test]
async fn a_count_ends_when_the_log_is_given_to_another_cluster() {
    let life = log().await;
    while life.yes("SELECT count(*) = 0 FROM counted").await {
        life.store.audit_counts(Duration::from_hours(1), 1, Instant::now()).await.unwrap();
    }
    life.database.sql("UPDATE cursors SET system_identifier = system_identifier").await;
    life.database.sql("UPDATE events SET xid = (SELECT position FROM cursors WHERE name = 'totals')").await;
    life.database.sql("UPDATE event_totals SET count = 0").await;
    let folded = "UPDATE event_totals SET count = (SELECT count(*) FROM events WHERE events.event_type = event_totals.event_type)";
    life.database.sql(folded).await;
    life.database
        .sql("UPDATE cursors SET position = (position::text::numeric + 1)::text::xid8 WHERE name = 'totals'")
        .await;
    assert_eq!(audit(&life.store, Duration::ZERO).await, [], "what was counted before is forgotten");
}

/// Events that come during the count are folded, and the count ignores them.
#[tokio::test]
async fn a_count_takes_many_calls_and_its_bound_is_where_it_began() {
    let life = log().await;
    life.database.sql("UPDATE event_totals SET count = 9 WHERE event_type = 'b'").await;
    let soon = || Instant::now() + Duration::from_micros(1);
    let mut more = 0;
    let told = loop {
        // Two callers run at once, and one of them counts each chunk.
        let (one, other) = tokio::join!(
            life.store.audit_counts(Duration::from_hours(1), 1, soon()),
            life.store.audit_counts(Duration::from_hours(1), 1, soon()),
        );
        let told: Vec<_> = one.unwrap().into_iter().chain(other.unwrap()).collect();
        if life.yes("SELECT finished_at IS NOT NULL FROM count_audit").await {
            break told;
        }
        assert!(more < 1000);
        insert(&life.store, "b", "{}").await;
        folded(&life.database).await;
        more += 1;
    };
    assert_eq!(told, [Correction { name: "b".into(), folded: 9, counted: 6 }]);
    assert_eq!(life.store.metrics().await.unwrap().total, 7 + more);
}
