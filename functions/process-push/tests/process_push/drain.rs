use std::sync::Arc;

use axum::http::StatusCode;
use process_push::{Attempt, Failure, Handler, Handlers};
use tokio::sync::Notify;

use crate::harness::{Service, settings};

/// Signals when it has begun, and works for as long as it may.
struct Endless(Arc<Notify>);

impl Handler for Endless {
    async fn handle(&self, attempt: &mut Attempt) -> Result<(), Failure> {
        let (id, number) = (attempt.event.id, attempt.number());
        attempt.transaction().await?.append_to_demo_ledger(id, number, 1).await?;
        self.0.notify_one();
        std::future::pending().await
    }
}

#[tokio::test]
async fn an_attempt_that_a_stop_ends_is_on_record_and_is_no_try() {
    let begun = Arc::new(Notify::new());
    let service = Service::with(Handlers::otherwise(Endless(begun.clone())), settings()).await;
    let id = service.event("a", "{}").await;
    let stop = async {
        begun.notified().await;
        service.shutdown.request();
    };
    let (status, ()) = tokio::join!(service.push(id), stop);
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(service.state(id).await, "PENDING 0, RELEASED: the service was stopping");
    assert!(service.is("SELECT due_at <= clock_timestamp() AND lease_until IS NULL FROM live").await);
    assert_eq!(service.count("SELECT count(*) FROM demo_ledger").await, 0);
    service.attempts.close();
    service.attempts.wait().await;
}

#[tokio::test]
async fn a_service_that_stops_claims_nothing_more() {
    let service = Service::start().await;
    let id = service.event("a", "{}").await;
    service.shutdown.request();
    assert_eq!(service.push(id).await, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(service.state(id).await, "PENDING 0");
}

/// Pub/Sub waits no longer than its deadline, and a caller may go away at any time.
#[tokio::test]
async fn an_attempt_goes_to_its_end_although_its_caller_left() {
    let begun = Arc::new(Notify::new());
    let service = Service::with(Handlers::otherwise(Endless(begun.clone())), settings()).await;
    let id = service.event("a", "{}").await;
    tokio::select! {
        _ = service.push(id) => panic!("it is endless"),
        () = begun.notified() => {}
    }
    service.shutdown.request();
    service.attempts.close();
    service.attempts.wait().await;
    assert_eq!(service.state(id).await, "PENDING 0, RELEASED: the service was stopping");
}
