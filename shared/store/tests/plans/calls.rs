use std::time::Duration;

use chrono::{DateTime, Utc};
use event::{AfterFailure, AttemptEnd, Delivery, EventId, EventType, NewEvent, Status};
use serde_json::value::RawValue;
use sqlx::Row;
use sqlx::postgres::PgRow;
use store::testing::{Database, TRACE_ID, act};
use store::{
    Batch, ClaimTerms, Claimant, Cut, Failure, Filter, FlusherLease, IdempotencyKey, KeyChanges, KeyScope,
    KeySecret, KeySettings, Load, LoadStatus, Mode, Numbers, Period, Position, PutOff, Store, Succeeded,
    Turn, Undelivered,
};
use tokio::time::Instant;
use uuid::Uuid;

const HOUR: Duration = Duration::from_hours(1);
const MONTH: Duration = Duration::from_hours(24 * 30);

/// Enough rounds for each session to make the plan that it keeps, which is the sixth.
const ROUNDS: i64 = 12;

/// Calls everything that the services use of the store.
pub(crate) async fn all(database: &Database, store: &Store) {
    for round in 0..ROUNDS {
        admin(database, store).await;
        events(database, store).await;
        keys_and_schemas(store, round).await;
        flush(database, store).await;
        store.fold_totals().await.unwrap();
    }
    locked(database, store).await;
    upkeep(database, store).await;
    told(store).await;
}

/// Waits for all plans. A plan comes with the answer to its statement, or with that to the next statement of its
/// session.
async fn told(store: &Store) {
    for _ in 0..10 {
        store.ready().await.unwrap();
    }
}

async fn admin(database: &Database, store: &Store) {
    store.metrics().await.unwrap();
    let middle = any(
        database,
        "SELECT id FROM events WHERE id IN (SELECT id FROM live) ORDER BY id OFFSET 3000 LIMIT 1",
    )
    .await;
    let now = Utc::now();
    for status in Status::ALL.map(Some).into_iter().chain([None]) {
        for event_type in [None, Some("type-1".to_owned())] {
            let filter = Filter { status, event_type, ..Filter::default() };
            let further =
                Filter { before: Some(middle), since: Some(now - HOUR), until: Some(now), ..filter.clone() };
            store.list(filter, 51).await.unwrap();
            store.list(further, 51).await.unwrap();
        }
    }
    store.failed(100, 50).await.unwrap();
    store.record(middle).await.unwrap();
    store.history(middle).await.unwrap();
    store.trace_id(middle).await.unwrap();
    let kind = EventType::new("type-1".into()).unwrap();
    store.payloads(kind.clone(), None, 16).await.unwrap();
    store.payloads(kind, Some(middle), 16).await.unwrap();
    store.rejects(100, 50).await.unwrap();
    store.reject(middle).await.unwrap();
    store.replay(dead(database).await, act()).await.unwrap();
    store.replay(middle, act()).await.unwrap();
    store.audit_log(None, 50).await.unwrap();
    store.audit_log(Some(100), 50).await.unwrap();
    store.unreadable().await.unwrap();
    lists(store, now).await;
}

/// Lists by time: the newest rows, and rows that lie behind nearly all others.
async fn lists(store: &Store, now: DateTime<Utc>) {
    let before = Some(Position { at: now - 90 * HOUR, id: 7 });
    let old = Period { since: Some(now - 100 * HOUR), until: Some(now - 80 * HOUR), before };
    for period in [Period::default(), old, Period { before, ..Period::default() }] {
        assert!(!store.unreadable_page(period, 51).await.unwrap().is_empty());
        assert!(!store.load_records(None, period, 51).await.unwrap().is_empty());
        for status in LoadStatus::ALL {
            store.load_records(Some(status), period, 51).await.unwrap();
        }
    }
    store.unreadable_message(1).await.unwrap().unwrap();
    store.load_record(1).await.unwrap().unwrap();
}

/// Calls the statements on the path of an event.
pub(crate) async fn way(database: &Database, store: &Store) {
    for _ in 0..ROUNDS {
        events(database, store).await;
    }
    told(store).await;
}

async fn events(database: &Database, store: &Store) {
    let event = NewEvent::parse(br#"{"eventType":"type-1","payload":{}}"#).unwrap();
    let (id, batch) = {
        let mut batch = Batch::default();
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let id = EventId::mint(now);
        batch.push_keyed(
            id,
            &event,
            TRACE_ID,
            IdempotencyKey::new(&id.to_string(), b"", HOUR).within(KeyScope::of_api_key("a")),
        );
        (id, batch)
    };
    store.insert(batch, HOUR).await.unwrap();
    store.known_keys(vec![IdempotencyKey::new(&id.to_string(), b"", HOUR)]).await.unwrap();
    assert_eq!(store.same_events(vec![(id, &event)]).await.unwrap().len(), 1);
    let claim = async |id| {
        let claimant = Claimant::of_message("plans", "1");
        match store
            .claim(id, claimant, ClaimTerms { isolate_after: 3, lease: HOUR, max_lost: 10 })
            .await
            .unwrap()
        {
            Delivery::Claimed(claim) => claim.attempt,
            other => panic!("not claimed but {other:?}"),
        }
    };
    for then in [
        AfterFailure::PutBack { interrupted: 1, after: Duration::ZERO },
        AfterFailure::Retry { retry_count: 1, after: Duration::ZERO, due_after: Duration::from_mins(1) },
        AfterFailure::Dead { retry_count: 1 },
    ] {
        let attempt = claim(id).await;
        let failure = Failure { end: AttemptEnd::Failed, reason: "because".into(), then };
        assert!(store.fail(id, attempt, failure).await.unwrap());
    }
    store.replay(id, act()).await.unwrap();
    let attempt = claim(id).await;
    assert!(store.succeed(id, attempt).await.unwrap());
    let waiting =
        any(database, "SELECT id FROM live WHERE status = 'PENDING' ORDER BY id OFFSET 50 LIMIT 1").await;
    let attempt = claim(waiting).await;
    let mut transaction = store.begin(HOUR).await.unwrap();
    transaction.append_to_demo_ledger(waiting, attempt, 1).await.unwrap();
    assert_eq!(transaction.succeed(waiting, attempt).await.unwrap(), Succeeded::Committed);
    store.is_known(id).await.unwrap();
    store.due_again(id).await.unwrap();
    store.brought_latest_attempt(id, "1".into()).await.unwrap();
    store.keep_unreadable(None, None, "no event".into(), Vec::new()).await.unwrap();
    let which = Undelivered { for_at_least: Duration::ZERO, for_at_most: HOUR, limit: 20 };
    store.undelivered(which).await.unwrap();
    let overdue = store.take_overdue(20, HOUR).await.unwrap();
    assert!(!overdue.is_empty());
    store.give_back(overdue).await.unwrap();
}

/// A delivery waits for the transaction that holds the row of its event.
async fn locked(database: &Database, store: &Store) {
    let id =
        any(database, "SELECT id FROM live WHERE status = 'PENDING' ORDER BY id OFFSET 60 LIMIT 1").await;
    let mut transaction = database.store.begin(HOUR).await.unwrap();
    sqlx::query("SELECT FROM live WHERE id = $1 FOR UPDATE")
        .bind(id.uuid())
        .execute(&mut *transaction)
        .await
        .unwrap();
    let waits = tokio::spawn({
        let store = store.clone();
        let claimant = Claimant::of_message("plans", "2");
        async move { store.claim(id, claimant, ClaimTerms { isolate_after: 3, lease: HOUR, max_lost: 10 }).await }
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    drop(transaction);
    assert!(matches!(waits.await.unwrap().unwrap(), Delivery::Claimed(_)));
}

async fn keys_and_schemas(store: &Store, round: i64) {
    let (one, other) = (format!("one-{round}"), format!("other-{round}"));
    let secret = |id: &str| KeySecret { id: id.into(), hash: [0; 32] };
    let settings = KeySettings { name: "a".into(), event_types: None, rate_limit: None, expires_at: None };
    store.create_key(secret(&one), settings, act()).await.unwrap().unwrap();
    store.change_key(one.clone(), KeyChanges::default(), act()).await.unwrap().unwrap();
    store.rotate_key(one.clone(), secret(&other), HOUR, act()).await.unwrap().unwrap();
    store.revoke_key(one.clone(), act()).await.unwrap();
    store.revoke_key(one.clone(), act()).await.unwrap();
    store.keys_used(vec![(other, HOUR)]).await.unwrap();
    store.keys(0, 50).await.unwrap();
    store.key(one.clone()).await.unwrap();
    store.active_keys().await.unwrap();
    let kind = || EventType::new("type-1".into()).unwrap();
    let schema = RawValue::from_string("true".into()).unwrap();
    store.put_event_type(kind(), schema, Mode::Warn, act()).await.unwrap();
    store.current_schemas(vec![("type-1".into(), 1)]).await.unwrap();
    store.event_types(0, 50).await.unwrap();
    store.event_type(kind()).await.unwrap();
    store.event_type_versions(kind(), 50).await.unwrap();
    store.remove_event_type(kind(), act()).await.unwrap();
}

async fn flush(database: &Database, store: &Store) {
    let lease = FlusherLease { holder: Uuid::new_v4(), lasts: HOUR };
    assert!(store.hold_flusher_lease(lease).await.unwrap());
    let settled = store.load_ground().await.unwrap().settled;
    store.unloaded().await.unwrap();
    store.flush_holders().await.unwrap();
    let load = store.close_range(lease, settled, 100, 1 << 30, Numbers::Exact).await.unwrap().unwrap();
    store.open_loads().await.unwrap();
    store.begin_load_job(lease, &load, 1000).await.unwrap();
    store.load_page(&load, load.from(), 50).await.unwrap();
    let why = PutOff {
        reason: "Invalid".into(),
        message: "no".into(),
        job_over: true,
        first_wait: HOUR,
        longest_wait: HOUR,
    };
    assert!(store.put_off_load(lease, &load, why).await.unwrap());
    store.waiting_loads().await.unwrap().unwrap();
    let load = store.renew_load_job(lease, &load).await.unwrap().unwrap();
    store.forgive_upload(lease, &load).await.unwrap();
    let load =
        store.reform_load(lease, &load, Numbers::Text, "a".into(), "no".into()).await.unwrap().unwrap();
    assert!(store.note_changed_rows(lease, &load, 1).await.unwrap());
    store.cured_loads("a".into()).await.unwrap();
    let middle = store.middle_of_load(&load).await.unwrap().unwrap();
    assert!(store.split_load(lease, &load, &[middle], Cut::Search { why: "no".into() }).await.unwrap());
    finish(store, lease).await;
    store.retry_rejects(Some(vec![Uuid::new_v4()]), act()).await.unwrap();
    let again = "UPDATE load_rejects SET reloaded_at = NULL WHERE id IN (SELECT id FROM load_rejects ORDER BY id LIMIT 5)";
    ours(database, again).await;
    assert!(store.retry_rejects(None, act()).await.unwrap() > 0);
    let again = store.take_up_rejects(lease, Numbers::Exact).await.unwrap().unwrap();
    store.load_page(&again, again.from(), 50).await.unwrap();
    store.middle_of_load(&again).await.unwrap().unwrap();
    finish(store, lease).await;
    store.rejects(0, 50).await.unwrap();
    store.load_room(1).await.unwrap();
    store.unknown_load_jobs(vec!["job-4".into(), "job-5".into()]).await.unwrap();
    assert!(store.renew_flusher_lease(lease).await.unwrap());
    store.release_flusher_lease(lease).await.unwrap();
}

async fn finish(store: &Store, lease: FlusherLease) {
    let (mut turn, mut loads) = (Turn::default(), Vec::<Load>::new());
    while let Some(load) = store.next_load(turn).await.unwrap() {
        turn = Turn::after(&load);
        loads.push(load);
    }
    for load in loads {
        store.reject_load(lease, &load, "no".into()).await.unwrap();
        assert!(store.mark_loaded(lease, &load, 1).await.unwrap().is_some());
    }
}

async fn upkeep(database: &Database, store: &Store) {
    let soon = Instant::now() + HOUR;
    assert!(store.clear_keys(soon).await.unwrap() > 0);
    store.clear_records(MONTH, soon).await.unwrap();
    store.fold_totals().await.unwrap();
    store.audit_counts(Duration::ZERO, 1000, soon).await.unwrap();
    // Only the last week is old, and all of it is loaded.
    ours(database, "UPDATE cursors SET position = pg_snapshot_xmin(pg_current_snapshot())").await;
    store.expire(Duration::ZERO, soon).await.unwrap();
    // The unfinished events have stayed. They are counted again before they go.
    ours(database, "DELETE FROM live").await;
    store.audit_counts(Duration::ZERO, 1000, soon).await.unwrap();
    let expired = store.expire(Duration::ZERO, soon).await.unwrap();
    assert_eq!(expired.partitions_dropped.len(), 3, "the last week is gone");
}

async fn dead(database: &Database) -> EventId {
    let question =
        "SELECT id FROM outcomes o WHERE status = 'DEAD_LETTER' AND id NOT IN (SELECT id FROM live) LIMIT 1";
    any(database, question).await
}

async fn any(database: &Database, question: &str) -> EventId {
    let rows = ours(database, question).await;
    rows[0].get::<Uuid, _>(0).into()
}

/// Runs a statement that no service uses, so its plan is not reported.
async fn ours(database: &Database, statement: &str) -> Vec<PgRow> {
    database.sql(&format!("SET auto_explain.log_min_duration = -1; {statement}")).await
}
