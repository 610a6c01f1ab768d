use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use process_push::{Attempt, Failure, Handler, Handlers, handlers};
use store::Store;
use store::testing::{act, database};
use tokio::sync::Semaphore;

use crate::harness::{Service, settings};

#[tokio::test]
async fn a_panic_is_a_try_and_ends_nothing_else() {
    let service = Service::start().await;
    let id = service.event("demo.flaky", r#"{"panic":true}"#).await;
    assert_eq!(service.push(id).await, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        service.state(id).await,
        "FAILED 1, PANICKED: the handler panicked: the payload asked for a panic"
    );
    let other = service.event("a", "{}").await;
    assert_eq!(service.push(other).await, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_handler_that_takes_too_long_is_a_try() {
    let mut settings = settings();
    settings.handler_limit = Duration::from_millis(100);
    let service = Service::with(handlers::registered().with_demo(), settings).await;
    let slow = service.event("demo.flaky", r#"{"sleepMs":60000}"#).await;
    assert_eq!(service.push(slow).await, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(service.state(slow).await, "FAILED 1, TIMED_OUT: the handler took longer than 100ms");
    let quick = service.event("demo.flaky", r#"{"sleepMs":1}"#).await;
    assert_eq!(service.push(quick).await, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_payload_that_never_fits_is_dead_at_once() {
    let service = Service::start().await;
    let id = service.event("demo.ledger", r#"{"weight":"heavy"}"#).await;
    assert_eq!(service.push(id).await, StatusCode::UNPROCESSABLE_ENTITY);
    let state = service.state(id).await;
    assert!(state.starts_with("DEAD_LETTER 0, PERMANENT: the payload does not fit this handler"), "{state}");
}

#[tokio::test]
async fn what_a_handler_writes_commits_with_the_outcome() {
    let service = Service::start().await;
    let id = service.event("demo.ledger", r#"{"weight":3}"#).await;
    assert_eq!(service.push(id).await, StatusCode::NO_CONTENT);
    let together = "SELECT l.xmin = o.xmin AND l.event_id = o.id AND l.attempt = 1 AND l.weight = 3
                      FROM demo_ledger l, outcomes o";
    assert!(service.is(together).await);
}

/// Ends with a reason that PostgreSQL's text cannot hold.
struct Speechless;

impl Handler for Speechless {
    async fn handle(&self, _: &mut Attempt) -> Result<(), Failure> {
        Err(Failure::Retry("they said \0".into()))
    }
}

#[tokio::test]
async fn whatever_a_handler_says_is_on_record() {
    let service = Service::with(Handlers::otherwise(Speechless), settings()).await;
    let id = service.event("a", "{}").await;
    assert_eq!(service.push(id).await, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(service.state(id).await, "FAILED 1, FAILED: they said \u{fffd}");
}

/// Writes, and then ends as its payload says.
struct Writes;

impl Handler for Writes {
    async fn handle(&self, attempt: &mut Attempt) -> Result<(), Failure> {
        let (id, number) = (attempt.event.id, attempt.number());
        attempt.transaction().await?.append_to_demo_ledger(id, number, 1).await?;
        match attempt.event.payload.get() {
            r#"{"then":"retry"}"# => Err(Failure::Retry("later".into())),
            r#"{"then":"permanent"}"# => Err(Failure::Permanent("never".into())),
            r#"{"then":"panic"}"# => panic!("now"),
            _ => std::future::pending().await,
        }
    }
}

#[tokio::test]
async fn what_a_failed_handler_wrote_is_rolled_back() {
    let mut settings = settings();
    settings.handler_limit = Duration::from_millis(300);
    let service = Service::with(Handlers::otherwise(Writes), settings).await;
    for (payload, state) in [
        (r#"{"then":"retry"}"#, "FAILED 1, FAILED: later"),
        (r#"{"then":"permanent"}"#, "DEAD_LETTER 0, PERMANENT: never"),
        (r#"{"then":"panic"}"#, "FAILED 1, PANICKED: the handler panicked: now"),
        (r#"{"then":"hang"}"#, "FAILED 1, TIMED_OUT: the handler took longer than 300ms"),
    ] {
        let id = service.event("a", payload).await;
        assert_eq!(service.push(id).await, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(service.state(id).await, state);
    }
    assert_eq!(service.count("SELECT count(*) FROM demo_ledger").await, 0);
}

/// Is overtaken while it works, like an attempt whose lease ran out.
struct Overtaken(Store);

impl Handler for Overtaken {
    async fn handle(&self, attempt: &mut Attempt) -> Result<(), Failure> {
        let (id, number) = (attempt.event.id, attempt.number());
        attempt.transaction().await?.append_to_demo_ledger(id, number, 1).await?;
        self.0.succeed(id, number).await?;
        Ok(())
    }
}

#[tokio::test]
async fn what_an_overtaken_attempt_wrote_is_rolled_back() {
    let database = database().await;
    let overtaken = Overtaken(database.store.clone());
    let service = Service::on(database, Handlers::otherwise(overtaken), settings()).await;
    let id = service.event("a", "{}").await;
    assert_eq!(service.push(id).await, StatusCode::NO_CONTENT);
    assert_eq!(service.state(id).await, "PROCESSED 0");
    assert_eq!(service.count("SELECT count(*) FROM demo_ledger").await, 0);
    assert_eq!(service.count("SELECT count(*) FROM outcomes").await, 1);
}

/// Adds a permit when it has begun.
struct Busy(Arc<Semaphore>);

impl Handler for Busy {
    async fn handle(&self, _: &mut Attempt) -> Result<(), Failure> {
        self.0.add_permits(1);
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_push_that_finds_no_room_is_nacked_and_claims_nothing() {
    let mut settings = settings();
    settings.handler_limit = Duration::from_millis(400);
    settings.concurrency = 1;
    let begun = Arc::new(Semaphore::new(0));
    let service = Service::with(Handlers::otherwise(Busy(begun.clone())), settings).await;
    let (first, second) = (service.event("a", "{}").await, service.event("a", "{}").await);
    let late = async {
        let _begun = begun.acquire().await.unwrap();
        service.push(second).await
    };
    let (first, late) = tokio::join!(service.push(first), late);
    assert_eq!(late, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(first, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(service.state(second).await, "PENDING 0");
}

/// Any sender of events could otherwise hold every slot for as long as a handler may take.
#[tokio::test]
async fn an_event_of_the_demo_handlers_is_an_ordinary_one_where_they_are_off() {
    let mut settings = settings();
    settings.handler_limit = Duration::from_secs(1);
    let service = Service::with(handlers::registered(), settings).await;
    service.database.sql("DROP TABLE demo_ledger").await;
    for (event_type, payload) in [
        ("demo.flaky", r#"{"sleepMs":60000}"#),
        ("demo.flaky", r#"{"panic":true}"#),
        ("demo.flaky", r#"{"kill":true}"#),
        ("demo.ledger", r#"{"weight":1}"#),
    ] {
        let id = service.event(event_type, payload).await;
        assert_eq!(service.push(id).await, StatusCode::NO_CONTENT, "{payload}");
        assert_eq!(service.state(id).await, "PROCESSED 0");
    }
}

/// A smoke test can be sent to any deployment, and does nothing else there, whatever its payload asks for.
#[tokio::test]
async fn a_smoke_test_ends_as_its_payload_says_beside_any_handlers() {
    let service = Service::with(Handlers::otherwise(Speechless), settings()).await;
    for payload in ["{}", r#"{"end":"well"}"#] {
        let id = service.event("eventflow.smoke", payload).await;
        assert_eq!(service.push(id).await, StatusCode::NO_CONTENT);
        assert_eq!(service.state(id).await, "PROCESSED 0");
    }
    let id = service.event("eventflow.smoke", r#"{"end":"dead"}"#).await;
    assert_ne!(service.push(id).await, StatusCode::NO_CONTENT);
    let death = "PERMANENT: the payload asked for this end";
    assert_eq!(service.state(id).await, format!("DEAD_LETTER 0, {death}"));
    service.database.store.replay(id, act()).await.unwrap();
    assert_eq!(service.push(id).await, StatusCode::NO_CONTENT);
    assert_eq!(service.state(id).await, format!("PROCESSED 0, {death}"));
    for payload in [r#"{"sleepMs":60000}"#, r#"{"end":"later"}"#] {
        let id = service.event("eventflow.smoke", payload).await;
        assert_ne!(service.push(id).await, StatusCode::NO_CONTENT, "{payload}");
        assert!(service.state(id).await.starts_with("DEAD_LETTER 0, PERMANENT: "), "{payload}");
    }
}
