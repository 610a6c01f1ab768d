//! Tests of the load ledger: it changes only for the holder of the lease, and only from the job that was seen.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use common::{insert, settled};
use event::{EventId, NewEvent};
use store::testing::{Database, TRACE_ID, database};
use store::{Batch, Begun, Cut, FlusherLease, Load, Numbers, Place, PutOff, Turn, Xid};
use uuid::Uuid;

const EVERYTHING: Xid = Xid(u64::MAX >> 1);

fn lease() -> FlusherLease {
    FlusherLease { holder: Uuid::new_v4(), lasts: Duration::from_secs(15) }
}

fn put_off(job_over: bool) -> PutOff {
    PutOff {
        reason: "Quota".into(),
        message: "too much".into(),
        job_over,
        first_wait: Duration::from_mins(1),
        longest_wait: Duration::from_mins(10),
    }
}

fn bad() -> Cut {
    Cut::Search { why: "bad".into() }
}

/// A ledger with events, and a lease on it.
struct Ledger {
    database: Database,
    lease: FlusherLease,
}

impl Ledger {
    async fn with_transactions_of(sizes: &[usize]) -> Self {
        let database = database().await;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        for size in sizes {
            let mut batch = Batch::default();
            for _ in 0..*size {
                batch.push(
                    EventId::mint(now),
                    &NewEvent::parse(br#"{"eventType":"a","payload":{}}"#).unwrap(),
                    TRACE_ID,
                );
            }
            database.store.insert(batch, Duration::from_mins(2)).await.unwrap();
        }
        settled(&database).await;
        let lease = lease();
        assert!(database.store.hold_flusher_lease(lease).await.unwrap());
        Self { database, lease }
    }

    async fn close(&self, most: u32) -> Option<Load> {
        self.database.store.close_range(self.lease, EVERYTHING, most, 1 << 30, Numbers::Exact).await.unwrap()
    }

    async fn read(&self, load: &Load, size: u32) -> Vec<Uuid> {
        let (mut from, mut read) = (Some(load.from()), Vec::new());
        while let Some(place) = from {
            let page = self.database.store.load_page(load, place, size).await.unwrap();
            assert!(page.len() <= size as usize);
            read.extend(page.rows().map(|row| row.unwrap().id));
            from = page.next;
        }
        read
    }

    async fn open(&self) -> Vec<Load> {
        self.database.store.open_loads().await.unwrap()
    }

    async fn text(&self) -> String {
        let all = "SELECT coalesce((SELECT string_agg(l::text, '|' ORDER BY id) FROM loads l), '')
                       || coalesce((SELECT string_agg(j::text, '|' ORDER BY job_id) FROM load_jobs j), '')
                       || (SELECT count(*) FROM load_rejects)::text";
        self.database.value(all).await
    }
}

#[tokio::test]
async fn a_flusher_that_was_frozen_past_its_lease_changes_nothing() {
    let ledger = Ledger::with_transactions_of(&[1]).await;
    let (store, frozen) = (&ledger.database.store, ledger.lease);
    let load = ledger.close(10).await.unwrap();
    for taken_over in [false, true] {
        ledger.database.sql("UPDATE leases SET until = now() WHERE name = 'loads'").await;
        if taken_over {
            assert!(store.hold_flusher_lease(lease()).await.unwrap());
        }
        let before = ledger.text().await;
        assert_eq!(store.begin_load_job(frozen, &load, 100).await.unwrap(), Begun::NotOurs);
        assert!(store.mark_loaded(frozen, &load, 1).await.unwrap().is_none());
        assert!(!store.put_off_load(frozen, &load, put_off(true)).await.unwrap());
        assert!(!store.reject_load(frozen, &load, "bad".into()).await.unwrap());
        assert!(!store.split_load(frozen, &load, &[], bad()).await.unwrap());
        let over = Load { job_over: true, ..load.clone() };
        assert!(store.renew_load_job(frozen, &over).await.unwrap().is_none());
        assert!(store.close_range(frozen, EVERYTHING, 1, 1, Numbers::Exact).await.unwrap().is_none());
        let reformed = store.reform_load(frozen, &load, Numbers::Text, "bad".into(), "bad".into());
        assert!(reformed.await.unwrap().is_none());
        assert!(!store.note_changed_rows(frozen, &load, 1).await.unwrap());
        store.forgive_upload(frozen, &load).await.unwrap();
        assert!(store.take_up_rejects(frozen, Numbers::Exact).await.unwrap().is_none());
        let adopted = store.adopt(frozen, 0, Vec::new(), store::testing::act()).await.unwrap();
        assert_eq!(adopted, store::Adopted::NotOurs);
        assert_eq!(ledger.text().await, before);
    }
}

#[tokio::test]
async fn the_ledger_moves_only_from_the_job_that_was_seen() {
    let ledger = Ledger::with_transactions_of(&[3]).await;
    let (store, lease) = (&ledger.database.store, ledger.lease);
    let first = ledger.close(10).await.unwrap();
    assert!(store.renew_load_job(lease, &first).await.unwrap().is_none(), "its end in error was not seen");
    assert!(store.put_off_load(lease, &first, put_off(true)).await.unwrap());
    assert!(store.next_load(Turn::default()).await.unwrap().is_none(), "it waits");
    let waiting = store.waiting_loads().await.unwrap().unwrap();
    assert_eq!((waiting.loads, waiting.reason.as_str(), waiting.message.as_str()), (1, "Quota", "too much"));
    assert_eq!(store.begin_load_job(lease, &first, 100).await.unwrap(), Begun::NotOurs, "that job is over");
    let second = store.renew_load_job(lease, &first).await.unwrap().unwrap();
    assert_ne!(second.job_id, first.job_id);
    let before = ledger.text().await;
    assert!(store.mark_loaded(lease, &first, 1).await.unwrap().is_none());
    assert!(!store.put_off_load(lease, &first, put_off(true)).await.unwrap());
    assert!(!store.split_load(lease, &first, &[], bad()).await.unwrap());
    assert_eq!(ledger.text().await, before);
    assert_eq!(store.unloaded().await.unwrap().rows, 3);
    assert_eq!(store.mark_loaded(lease, &second, 1).await.unwrap(), Some(0));
    assert!(store.mark_loaded(lease, &second, 1).await.unwrap().is_none(), "once");
    assert_eq!(store.unloaded().await.unwrap().rows, 0);
}

#[tokio::test]
async fn the_parts_of_a_range_are_the_range() {
    let ledger = Ledger::with_transactions_of(&[1, 9, 1, 4]).await;
    let (store, lease) = (&ledger.database.store, ledger.lease);
    let whole = ledger.close(100).await.unwrap();
    let rows = ledger.read(&whole, 4).await;
    assert_eq!(rows.len(), 15);
    let mut deepest = 0;
    // Ranges are split in the middle until each row is alone, and once around a row, as BigQuery may name it.
    while let Some(load) = ledger.open().await.into_iter().find(|load| load.rows > 1) {
        let middle = store.middle_of_load(&load).await.unwrap().unwrap();
        let next = ledger.read(&load, 100).await;
        let behind = next.iter().position(|id| *id == middle.id).unwrap() + 1;
        let mut cuts = vec![middle];
        if load.depth == 0 {
            let xid: i64 = ledger
                .database
                .value(&format!("SELECT xid::text::bigint FROM events WHERE id = '{}'", next[behind]))
                .await;
            cuts.push(Place { xid: Xid(xid.try_into().unwrap()), id: next[behind] });
        }
        assert!(store.split_load(lease, &load, &cuts, bad()).await.unwrap());
        let parts = ledger.open().await;
        assert_eq!(parts.iter().map(|part| part.rows).sum::<i64>(), 15);
        let mut read = Vec::new();
        for part in &parts {
            let of_part = ledger.read(part, 2).await;
            assert_eq!(i64::try_from(of_part.len()).unwrap(), part.rows);
            read.extend(of_part);
        }
        assert_eq!(read.len(), 15);
        assert_eq!(BTreeSet::from_iter(read), rows.iter().copied().collect());
        deepest = deepest.max(load.depth + 1);
    }
    assert_eq!(ledger.open().await.len(), 15);
    assert!(deepest <= 4, "{deepest}");
    let names: BTreeSet<_> = ledger.open().await.into_iter().map(|load| load.job_id).collect();
    assert_eq!(names.len(), 15, "each has a job of its own");
}

#[tokio::test]
async fn ranges_follow_each_other_and_no_transaction_is_too_large() {
    let ledger = Ledger::with_transactions_of(&[2, 7, 1, 1, 5]).await;
    let mut closed = Vec::new();
    while let Some(load) = ledger.close(3).await {
        closed.push(load);
    }
    assert_eq!(closed.iter().map(|load| load.rows).collect::<Vec<_>>(), [2, 7, 2, 5]);
    assert!(closed.windows(2).all(|pair| pair[0].to() == pair[1].from()));
}

#[tokio::test]
async fn a_range_is_bounded_in_bytes() {
    let database = database().await;
    for _ in 0..4 {
        insert(&database.store, "a", &format!("{{\"long\":\"{}\"}}", "x".repeat(1000))).await;
    }
    settled(&database).await;
    let lease = lease();
    assert!(database.store.hold_flusher_lease(lease).await.unwrap());
    for rows in [2, 2] {
        let load =
            database.store.close_range(lease, EVERYTHING, 100, 2500, Numbers::Exact).await.unwrap().unwrap();
        assert_eq!(load.rows, rows);
    }
}

#[tokio::test]
async fn jobs_are_counted_by_the_day() {
    let ledger = Ledger::with_transactions_of(&[1, 1, 1]).await;
    let (store, lease) = (&ledger.database.store, ledger.lease);
    let mut loads = Vec::new();
    while let Some(load) = ledger.close(1).await {
        loads.push(load);
    }
    for load in &loads[..2] {
        assert_eq!(store.begin_load_job(lease, load, 2).await.unwrap(), Begun::Yes);
    }
    assert_eq!(store.begin_load_job(lease, &loads[2], 2).await.unwrap(), Begun::NoRoom);
    assert_eq!(store.begin_load_job(lease, &loads[0], 2).await.unwrap(), Begun::Yes, "it was counted before");
    let room = store.load_room(2).await.unwrap();
    assert!(room.made == 2 && room.frees_at.is_some());
    assert!(store.load_room(3).await.unwrap().frees_at.is_none());
    let unknown = store.unknown_load_jobs(vec![loads[0].job_id.clone(), loads[2].job_id.clone(), "x".into()]);
    assert_eq!(unknown.await.unwrap(), ["x"]);
    ledger.database.sql("UPDATE load_jobs SET made_at = made_at - interval '1 day'").await;
    assert_eq!(store.begin_load_job(lease, &loads[2], 2).await.unwrap(), Begun::Yes);
}

#[tokio::test]
async fn a_range_that_was_too_large_makes_new_ones_smaller_for_a_day() {
    let ledger = Ledger::with_transactions_of(&[1; 24]).await;
    let (store, lease) = (&ledger.database.store, ledger.lease);
    let close = async |most| {
        store.close_range(lease, EVERYTHING, 1000, most, Numbers::Rounded).await.unwrap().unwrap()
    };
    // An event has 2 bytes.
    let load = close(16).await;
    assert_eq!((load.rows, load.numbers, load.uploads), (8, Numbers::Rounded, 0));
    for uploads in [1, 2] {
        assert_eq!(store.begin_load_job(lease, &load, 100).await.unwrap(), Begun::Yes);
        assert_eq!(ledger.open().await[0].uploads, uploads);
    }
    store.forgive_upload(lease, &load).await.unwrap();
    assert_eq!(ledger.open().await[0].uploads, 1);
    let middle = store.middle_of_load(&load).await.unwrap().unwrap();
    let why = "it takes too long";
    assert!(store.split_load(lease, &load, &[middle], Cut::TooLarge { why: why.into() }).await.unwrap());
    let parts = ledger.open().await;
    assert_eq!(parts.iter().map(|part| part.rows).collect::<Vec<_>>(), [4, 4]);
    for part in parts {
        assert!(!part.is_part(), "it is not behind the others");
        assert_eq!((part.numbers, part.uploads, part.failure.as_deref()), (Numbers::Rounded, 0, Some(why)));
    }
    assert_eq!(close(16).await.rows, 4);
    // A range that is small compared with the limit says nothing about the limit.
    assert_eq!(close(16 * 16).await.rows, 12);
}

#[tokio::test]
async fn another_form_is_another_job_and_is_remembered_as_a_cure_once_it_is_loaded() {
    let ledger = Ledger::with_transactions_of(&[1]).await;
    let (store, lease) = (&ledger.database.store, ledger.lease);
    let exact = ledger.close(10).await.unwrap();
    let reform = async |load: &Load, numbers| {
        store.reform_load(lease, load, numbers, "kind".into(), "why".into()).await.unwrap()
    };
    let rounded = reform(&exact, Numbers::Rounded).await.unwrap();
    assert_ne!(rounded.job_id, exact.job_id);
    assert!(reform(&exact, Numbers::Text).await.is_none(), "the ledger names another job");
    assert!(!store.note_changed_rows(lease, &exact, 1).await.unwrap());
    assert!(store.note_changed_rows(lease, &rounded, 1).await.unwrap());
    let open = ledger.open().await.remove(0);
    assert_eq!((open.job_id, open.numbers), (rounded.job_id.clone(), Numbers::Rounded));
    assert!(store.cured_loads("kind".into()).await.unwrap().is_empty());
    assert_eq!(store.mark_loaded(lease, &rounded, 1).await.unwrap(), Some(1));
    assert_eq!(store.cured_loads("kind".into()).await.unwrap(), [(Numbers::Rounded, 1)]);
    ledger.database.sql("UPDATE loads SET loaded_at = loaded_at - interval '1 day'").await;
    assert!(store.cured_loads("kind".into()).await.unwrap().is_empty(), "a day later it is tried again");
}

#[tokio::test]
async fn a_lease_that_was_given_back_is_not_renewed() {
    let ledger = Ledger::with_transactions_of(&[1]).await;
    let (store, lease) = (&ledger.database.store, ledger.lease);
    assert!(store.renew_flusher_lease(lease).await.unwrap());
    store.release_flusher_lease(lease).await.unwrap();
    assert!(!store.renew_flusher_lease(lease).await.unwrap());
    let other = self::lease();
    assert!(store.hold_flusher_lease(other).await.unwrap());
    assert!(!store.renew_flusher_lease(lease).await.unwrap());
    assert!(store.renew_flusher_lease(other).await.unwrap());
}
