//! Failures that are caused by the service and not by the handler: waits, lost sessions, and processes that end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::http::StatusCode;
use process_push::{Attempt, Failure, Handler, Handlers, Settings};
use sqlx::{Connection, Executor, PgConnection};
use store::testing::database;
use store::{Store, StoreConfig};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use crate::harness::{Service, settings};

/// Works in its transaction for this long.
struct Works(Duration);

impl Handler for Works {
    async fn handle(&self, attempt: &mut Attempt) -> Result<(), Failure> {
        attempt.transaction().await?;
        sleep(self.0).await;
        Ok(())
    }
}

fn limit(limit: Duration) -> Settings {
    Settings { handler_limit: limit, ..settings() }
}

#[tokio::test]
async fn the_wait_for_a_turn_is_not_the_handlers_time() {
    let database = database().await;
    let one = StoreConfig { max_transactions: 1, ..StoreConfig::new(database.url.clone(), "test") };
    let store = Store::new(&one).unwrap();
    let works = Handlers::otherwise(Works(Duration::from_millis(600)));
    let service = Service::beside(database, store.clone(), works, limit(Duration::from_secs(1))).await;
    let id = service.event("a", "{}").await;
    let turn = store.begin(Duration::from_mins(1)).await.unwrap();
    let others = async {
        sleep(Duration::from_millis(1_500)).await;
        drop(turn);
    };
    let (status, ()) = tokio::join!(service.push(id), others);
    assert_eq!(status, StatusCode::NO_CONTENT);
    assert_eq!(service.state(id).await, "PROCESSED 0");
}

#[tokio::test]
async fn the_wait_of_our_own_statement_is_not_the_handlers_time() {
    let service =
        Service::with(Handlers::otherwise(Works(Duration::from_millis(500))), limit(Duration::from_secs(1)))
            .await;
    let id = service.event("a", "{}").await;
    let mut holder = PgConnection::connect(&service.database.url).await.unwrap();
    let hold = async {
        while service.count("SELECT count(*) FROM live WHERE status = 'PROCESSING'").await == 0 {
            sleep(Duration::from_millis(10)).await;
        }
        holder.execute("BEGIN").await.unwrap();
        holder.execute("SELECT FROM live FOR UPDATE").await.unwrap();
        sleep(Duration::from_millis(1_500)).await;
        holder.execute("ROLLBACK").await.unwrap();
    };
    let (status, ()) = tokio::join!(service.push(id), hold);
    assert_eq!(status, StatusCode::NO_CONTENT);
    assert_eq!(service.state(id).await, "PROCESSED 0");
}

/// Blocks its thread, like a process that gets no processor, and has done little by the end of its lease.
struct Starved;

impl Handler for Starved {
    async fn handle(&self, _: &mut Attempt) -> Result<(), Failure> {
        loop {
            std::thread::sleep(Duration::from_millis(900));
            sleep(Duration::from_millis(1)).await;
        }
    }
}

#[tokio::test]
async fn a_lease_that_is_about_to_end_is_no_try_where_the_handler_had_time_left() {
    let mut settings = limit(Duration::from_secs(2));
    settings.claim.lease = Duration::from_secs(3);
    let service = Service::with(Handlers::otherwise(Starved), settings).await;
    let id = service.event("a", "{}").await;
    assert_eq!(service.push(id).await, StatusCode::UNPROCESSABLE_ENTITY);
    let state = service.state(id).await;
    assert!(state.starts_with("PENDING 0, INTERRUPTED: the handler had used"), "{state}");
    assert!(service.is("SELECT interrupted = 1 FROM live").await);
}

/// Ends its own session, or says that the server is out of memory, which cannot be told from an outage.
struct EndsItsSession;

impl Handler for EndsItsSession {
    async fn handle(&self, attempt: &mut Attempt) -> Result<(), Failure> {
        let sql = match attempt.event.payload.get() {
            r#"{"class":53}"# => "DO $$ BEGIN RAISE EXCEPTION 'no memory' USING ERRCODE = '53200'; END $$",
            _ => "SELECT pg_terminate_backend(pg_backend_pid())",
        };
        attempt.transaction().await?.execute(sql).await.map_err(store::Error::from)?;
        Ok(())
    }
}

#[tokio::test]
async fn an_event_that_ends_its_own_session_waits_longer_each_time_and_ends() {
    let service = Service::with(Handlers::otherwise(EndsItsSession), settings()).await;
    for payload in [r#"{"class":53}"#, "{}"] {
        let id = service.event("a", payload).await;
        assert_eq!(service.push(id).await, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(service.is("SELECT due_at <= clock_timestamp() AND retry_at IS NULL FROM live").await);
        let mut last = 0.0_f64;
        for interrupted in 2..20 {
            // There is no nack: the relay brings the event back, and the subscription is not slowed down for others.
            assert_eq!(service.push_later(id).await, StatusCode::NO_CONTENT, "attempt {interrupted}");
            let wait = "SELECT extract(epoch FROM due_at - updated_at)::float8 FROM live";
            let wait: f64 = service.database.value(wait).await;
            assert!(wait >= last.min(299.0), "{wait} after {last}");
            last = wait;
            assert_eq!(service.push(id).await, StatusCode::TOO_EARLY, "it is not due before");
        }
        assert!(last > 299.0, "the longest backoff: {last}");
        assert_eq!(service.push_later(id).await, StatusCode::UNPROCESSABLE_ENTITY);
        let state = service.state(id).await;
        assert!(state.starts_with("DEAD_LETTER 0, INTERRUPTED"), "{state}");
        assert_eq!(state.matches("INTERRUPTED").count(), 20);
    }
}

/// Commits its writes by its own SQL.
struct EndsItsTransaction;

impl Handler for EndsItsTransaction {
    async fn handle(&self, attempt: &mut Attempt) -> Result<(), Failure> {
        attempt.transaction().await?.execute("COMMIT").await.map_err(store::Error::from)?;
        Ok(())
    }
}

#[tokio::test]
async fn a_handler_that_ends_its_transaction_itself_is_told_so_and_not_run_again() {
    let service = Service::with(Handlers::otherwise(EndsItsTransaction), settings()).await;
    let id = service.event("a", "{}").await;
    assert_eq!(service.push(id).await, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        service.state(id).await,
        "DEAD_LETTER 0, PERMANENT: the handler ended its transaction itself, so what it wrote may be committed without its event"
    );
}

/// Counts the handlers that run, and those that ran beside the suspect.
#[derive(Default)]
struct Crowd {
    running: AtomicUsize,
    beside_the_suspect: AtomicUsize,
    begun: Notify,
}

struct Counted(Arc<Crowd>);

impl Handler for Counted {
    async fn handle(&self, attempt: &mut Attempt) -> Result<(), Failure> {
        let others = self.0.running.fetch_add(1, Ordering::SeqCst);
        if attempt.event.event_type == "suspect" {
            self.0.beside_the_suspect.fetch_add(others, Ordering::SeqCst);
        }
        self.0.begun.notify_one();
        for _ in 0..30 {
            sleep(Duration::from_millis(10)).await;
            if attempt.event.event_type == "suspect" {
                let others = self.0.running.load(Ordering::SeqCst) - 1;
                self.0.beside_the_suspect.fetch_add(others, Ordering::SeqCst);
            }
        }
        self.0.running.fetch_sub(1, Ordering::SeqCst);
        Ok(())
    }
}

#[tokio::test]
async fn an_event_whose_attempts_were_lost_runs_when_nothing_else_does() {
    let crowd = Arc::new(Crowd::default());
    let service = Service::with(Handlers::otherwise(Counted(crowd.clone())), settings()).await;
    let suspect = service.event("suspect", "{}").await;
    service.database.sql("UPDATE live SET lost = 3").await;
    let mut others = Vec::new();
    for _ in 0..8 {
        others.push(service.event("a", "{}").await);
    }
    let (before, behind) = others.split_at(3);
    let first = futures::future::join_all(before.iter().map(|id| service.push(*id)));
    let rest = async {
        crowd.begun.notified().await;
        let behind = futures::future::join_all(behind.iter().map(|id| service.push(*id)));
        tokio::join!(service.push(suspect), behind)
    };
    let (first, (alone, behind)) = tokio::join!(first, rest);
    assert!(first.iter().chain(&behind).chain([&alone]).all(|status| *status == StatusCode::NO_CONTENT));
    assert_eq!(crowd.beside_the_suspect.load(Ordering::SeqCst), 0);
    assert_eq!(service.state(suspect).await, "PROCESSED 0");
}

/// The relay's own runs follow this rule too.
#[tokio::test]
async fn the_relay_runs_a_suspect_alone() {
    let crowd = Arc::new(Crowd::default());
    let service = Service::with(Handlers::otherwise(Counted(crowd.clone())), settings()).await;
    let suspect = service.event("suspect", "{}").await;
    service.database.sql("UPDATE live SET lost = 3").await;
    for _ in 0..5 {
        service.event("a", "{}").await;
    }
    let stalled = "UPDATE live SET due_at = now(), updated_at = now() - interval '1 hour'";
    service.database.sql(stalled).await;
    let start = Instant::now();
    for _ in 0..5 {
        service.call_as(crate::harness::SCHEDULER, "/relay", "").await;
    }
    assert_eq!(service.count("SELECT count(*) FROM outcomes").await, 6, "{:?}", start.elapsed());
    assert_eq!(crowd.beside_the_suspect.load(Ordering::SeqCst), 0);
    assert_eq!(service.state(suspect).await, "PROCESSED 0");
}
