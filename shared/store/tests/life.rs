//! Tests of the states that deliveries find, and of the rows that attempts leave behind.
#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use common::{Life, reason};
use event::{AfterFailure, AttemptEnd, Delivery, EventId};
use store::{Replayed, Succeeded};

const RETRY: AfterFailure =
    AfterFailure::Retry { retry_count: 1, after: Duration::ZERO, due_after: Duration::from_mins(1) };

#[tokio::test]
async fn a_first_delivery_claims_and_success_ends_the_event() {
    let life = Life::begin().await;
    let claim = life.claimed().await;
    assert_eq!((claim.attempt, claim.tries.retry_count, claim.event_type.as_str()), (1, 0, "a"));
    assert_eq!(claim.payload.get(), r#"{"n": 1.50}"#);
    assert!(life.store.succeed(life.id, 1).await.unwrap());
    assert!(matches!(life.deliver().await, Delivery::AlreadyProcessed));
    assert_eq!(life.status().await, "PROCESSED");
    assert!(!life.store.succeed(life.id, 1).await.unwrap(), "an end changes nothing");
}

#[tokio::test]
async fn a_delivery_under_a_living_lease_pulls_the_relay_to_its_end() {
    let life = Life::begin().await;
    life.claimed().await;
    assert!(matches!(life.deliver().await, Delivery::LeaseAlive));
    assert!(life.yes("SELECT due_at = lease_until FROM live").await);
}

#[tokio::test]
async fn a_lost_attempt_is_on_record_and_is_no_try() {
    let life = Life::begin().await;
    life.claimed().await;
    life.lease_ends().await;
    let claim = life.claimed().await;
    assert_eq!((claim.attempt, claim.tries.retry_count), (2, 0));
    let history = life.store.history(life.id).await.unwrap();
    assert_eq!((history.attempts[0].attempt, history.attempts[0].ended.as_str()), (1, "LOST"));
    assert!(!life.store.succeed(life.id, 1).await.unwrap(), "the overtaken changes nothing");
    assert!(life.store.succeed(life.id, 2).await.unwrap());
}

#[tokio::test]
async fn a_late_finisher_that_nobody_overtook_finishes() {
    let life = Life::begin().await;
    life.claimed().await;
    life.lease_ends().await;
    assert!(life.store.succeed(life.id, 1).await.unwrap());
}

#[tokio::test]
async fn a_failure_waits_for_its_time() {
    let life = Life::begin().await;
    life.claimed().await;
    let then = AfterFailure::Retry {
        retry_count: 1,
        after: Duration::from_mins(1),
        due_after: Duration::from_mins(1),
    };
    assert!(life.store.fail(life.id, 1, reason(AttemptEnd::Failed, then)).await.unwrap());
    assert_eq!(life.status().await, "FAILED");
    assert!(matches!(life.deliver().await, Delivery::TooEarly));
    life.database.sql("UPDATE live SET retry_at = now()").await;
    assert_eq!(life.claimed().await.tries.retry_count, 1);
}

#[tokio::test]
async fn a_death_keeps_its_reason() {
    let life = Life::begin().await;
    life.claimed().await;
    let dead = reason(AttemptEnd::Permanent, AfterFailure::Dead { retry_count: 0 });
    assert!(life.store.fail(life.id, 1, dead).await.unwrap());
    assert!(matches!(life.deliver().await, Delivery::AlreadyDead));
    let record = life.store.record(life.id).await.unwrap().unwrap();
    assert_eq!((record.failure_reason.as_deref(), record.failed_at.is_some()), (Some("because"), true));
}

#[tokio::test]
async fn a_released_attempt_is_due_at_once_and_no_try() {
    let life = Life::begin().await;
    life.claimed().await;
    assert!(
        life.store
            .fail(
                life.id,
                1,
                reason(AttemptEnd::Released, AfterFailure::PutBack { interrupted: 0, after: Duration::ZERO })
            )
            .await
            .unwrap()
    );
    assert_eq!(life.status().await, "PENDING");
    assert_eq!(life.store.take_overdue(10, Duration::from_mins(1)).await.unwrap().len(), 1);
    assert_eq!(life.claimed().await.tries.retry_count, 0);
}

#[tokio::test]
async fn nobody_knows_an_id_that_was_never_accepted() {
    let life = Life::begin().await;
    let stranger = EventId::mint(common::now());
    assert!(matches!(life.deliver_to(stranger).await, Delivery::Unknown));
    assert!(!life.store.is_known(stranger).await.unwrap());
    assert!(life.store.is_known(life.id).await.unwrap());
}

#[tokio::test]
async fn a_handlers_effects_commit_with_the_outcome_or_not_at_all() {
    let life = Life::begin().await;
    life.claimed().await;
    let mut overtaken = life.store.begin(Duration::from_secs(5)).await.unwrap();
    overtaken.append_to_demo_ledger(life.id, 1, 7).await.unwrap();
    life.lease_ends().await;
    life.claimed().await;
    assert_eq!(overtaken.succeed(life.id, 1).await.unwrap(), Succeeded::Overtaken);
    let mut transaction = life.store.begin(Duration::from_secs(5)).await.unwrap();
    transaction.append_to_demo_ledger(life.id, 2, 7).await.unwrap();
    assert_eq!(transaction.succeed(life.id, 2).await.unwrap(), Succeeded::Committed);
    assert!(life.yes("SELECT count(*) = 1 AND min(attempt) = 2 FROM demo_ledger").await);
}

#[tokio::test]
async fn a_replay_counts_attempts_on_and_retries_anew() {
    let life = Life::begin().await;
    assert_eq!(life.replay().await, Replayed::Not(event::Status::Pending));
    life.claimed().await;
    life.store.fail(life.id, 1, reason(AttemptEnd::Failed, RETRY)).await.unwrap();
    assert_eq!(life.replay().await, Replayed::Queued);
    assert_eq!(life.status().await, "PENDING");
    let claim = life.claimed().await;
    assert_eq!((claim.attempt, claim.tries.retry_count), (2, 0));
    life.store
        .fail(life.id, 2, reason(AttemptEnd::Failed, AfterFailure::Dead { retry_count: 3 }))
        .await
        .unwrap();
    let (one, other) = tokio::join!(life.replay(), life.replay());
    assert!([one, other].contains(&Replayed::Queued) && one != other, "{one:?} {other:?}");
    assert_eq!(life.claimed().await.attempt, 3);
    assert!(life.store.succeed(life.id, 3).await.unwrap());
    assert_eq!(life.replay().await, Replayed::Not(event::Status::Processed));
    let history = life.store.history(life.id).await.unwrap();
    assert_eq!((history.attempts.len(), history.outcomes.len(), history.replays.len()), (2, 2, 2));
}

#[tokio::test]
async fn a_dead_letter_message_is_a_hint_and_kills_nothing() {
    let life = Life::begin().await;
    assert!(life.store.due_again(life.id).await.unwrap());
    assert_eq!(life.store.take_overdue(10, Duration::from_mins(1)).await.unwrap().len(), 1);
    life.claimed().await;
    life.store.due_again(life.id).await.unwrap();
    assert!(life.yes("SELECT due_at = lease_until FROM live").await, "not before the lease ends");
    life.store.succeed(life.id, 1).await.unwrap();
    assert!(!life.store.due_again(life.id).await.unwrap());
    assert_eq!(life.status().await, "PROCESSED");
}

#[tokio::test]
async fn two_relays_share_the_work_and_what_was_not_published_is_due_again() {
    let life = Life::begin().await;
    life.database.sql("UPDATE live SET due_at = now() - interval '1 second'").await;
    let step = Duration::from_mins(1);
    let (one, other) = tokio::join!(life.store.take_overdue(10, step), life.store.take_overdue(10, step));
    let mut taken = one.unwrap();
    taken.extend(other.unwrap());
    assert_eq!(taken.len(), 1);
    assert_eq!((taken[0].id, taken[0].event_type.as_str()), (life.id, "a"));
    life.store.give_back(taken).await.unwrap();
    assert_eq!(life.store.take_overdue(10, step).await.unwrap().len(), 1);
    assert_eq!(life.store.take_overdue(10, step).await.unwrap().len(), 0);
}

/// Otherwise every step of an outage would add a copy to a queue that is already long.
#[tokio::test]
async fn what_has_waited_long_is_relayed_after_a_longer_wait_within_a_bound() {
    let life = Life::begin().await;
    let step = Duration::from_mins(1);
    for (waited, next) in [("1 second", 60), ("3 minutes", 90), ("5 days", 480)] {
        let due = format!("UPDATE live SET due_at = now(), updated_at = now() - interval '{waited}'");
        life.database.sql(&due).await;
        let taken = life.store.take_overdue(10, step).await.unwrap();
        assert_eq!(taken.len(), 1);
        let seconds = format!("SELECT extract(epoch FROM interval '{waited}')::float8");
        assert!(taken[0].waited >= life.database.value::<f64>(&seconds).await, "{waited}");
        let seconds = "SELECT round(extract(epoch FROM due_at - now()) / 10)::bigint * 10 FROM live";
        assert_eq!(life.database.value::<i64>(seconds).await, next, "after {waited}");
    }
}
