//! Tests that the event that ends its process is found by running each suspect alone.
#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use common::{Life, insert};
use event::{Delivery, EventId};
use store::{ClaimTerms, Claimant};

const TERMS: ClaimTerms = ClaimTerms { lease: Duration::from_secs(15), isolate_after: 3, max_lost: 10 };

async fn deliver(life: &Life, id: EventId, terms: ClaimTerms, alone: bool) -> Delivery<store::Claim> {
    let claimant = Claimant { alone, ..Claimant::of_message("test", "1") };
    life.store.claim(id, claimant, terms).await.unwrap()
}

/// A poison event beside five slow events. Each round is the life of one process. The events that run in it when the
/// poison kills it are lost, and the events that do not run beside the poison end well.
async fn poison_beside_five_innocents(rounds: u32) {
    let life = Life::begin().await;
    let terms = ClaimTerms { max_lost: rounds - TERMS.isolate_after, ..TERMS };
    let poison = life.id;
    let mut innocents = Vec::new();
    let mut processed = 0;
    for round in 1..=rounds {
        while innocents.len() < 5 {
            innocents.push(insert(&life.store, "innocent", "{}").await);
        }
        let (mut running, mut suspects) = (Vec::new(), Vec::new());
        for id in [poison].iter().chain(&innocents) {
            match deliver(&life, *id, terms, false).await {
                Delivery::Claimed(claim) => running.push((claim.id, claim.attempt)),
                Delivery::NeedsIsolation => suspects.push(*id),
                other => panic!("{other:?} in round {round}"),
            }
        }
        if running.iter().any(|(id, _)| *id == poison) {
            life.lease_ends().await;
            continue;
        }
        suspects.sort_by_key(|id| *id == poison);
        for id in suspects {
            let Delivery::Claimed(claim) = deliver(&life, id, terms, true).await else { panic!() };
            running.push((claim.id, claim.attempt));
        }
        for (id, attempt) in running.into_iter().filter(|(id, _)| *id != poison) {
            assert!(life.store.succeed(id, attempt).await.unwrap());
            innocents.retain(|innocent| *innocent != id);
            processed += 1;
        }
        life.lease_ends().await;
    }
    assert!(matches!(deliver(&life, poison, terms, false).await, Delivery::LostForGood));
    let record = life.store.record(poison).await.unwrap().unwrap();
    let told = format!(
        "{} attempts were lost that ran alone in their process, so this event ends the process",
        terms.max_lost
    );
    assert_eq!((record.status.to_string(), record.failure_reason), ("DEAD_LETTER".into(), Some(told)));
    let history = life.store.history(poison).await.unwrap();
    assert_eq!(history.attempts.len(), usize::try_from(rounds).unwrap());
    assert_eq!(
        history.attempts.last().unwrap().reason,
        "its lease ended and nobody had finished it; nothing else ran in its process"
    );
    assert_eq!(life.database.value::<i64>("SELECT count(*) FROM outcomes").await, processed + 1);
    let dead = "SELECT count(*) FROM outcomes WHERE status = 'DEAD_LETTER'";
    assert_eq!(life.database.value::<i64>(dead).await, 1);
}

#[tokio::test]
async fn in_ten_rounds_the_poison_ends_and_no_innocent_does() {
    poison_beside_five_innocents(10).await;
}

#[tokio::test]
async fn in_a_hundred_rounds_the_poison_ends_and_no_innocent_does() {
    poison_beside_five_innocents(100).await;
}

#[tokio::test]
async fn three_lost_attempts_make_a_suspect_which_a_delivery_alone_leaves_as_it_was() {
    let life = Life::begin().await;
    for attempt in 1..=3 {
        assert_eq!(life.claimed().await.attempt, attempt);
        life.lease_ends().await;
    }
    let row = "SELECT format('%s', live) FROM live";
    let before: String = life.database.value(row).await;
    assert!(matches!(life.deliver().await, Delivery::NeedsIsolation));
    assert_eq!(life.database.value::<String>(row).await, before);
    let Delivery::Claimed(claim) = deliver(&life, life.id, TERMS, true).await else { panic!() };
    assert_eq!(claim.attempt, 4);
    assert!(life.store.succeed(life.id, 4).await.unwrap());
}

/// The counts of an event begin anew with a replay.
#[tokio::test]
async fn a_replayed_event_is_no_suspect() {
    let life = Life::begin().await;
    life.database.sql("UPDATE live SET lost = 3, lost_alone = 2, interrupted = 5, status = 'FAILED'").await;
    life.replay().await;
    assert!(life.yes("SELECT lost + lost_alone + interrupted = 0 FROM live").await);
    life.claimed().await;
}
