use axum::http::StatusCode;
use process_push::Settings;

use crate::harness::{PUSHER, SCHEDULER, Service, envelope, settings};

#[tokio::test]
async fn without_a_database_everything_is_nacked() {
    let service = Service::without_database().await;
    let id = "0199c0de-0000-7000-8000-000000000001".parse().unwrap();
    for (account, path, body) in [
        (PUSHER, "/push", envelope(id)),
        (PUSHER, "/push", "unreadable".into()),
        (PUSHER, "/dead-letter", envelope(id)),
        (PUSHER, "/dead-letter", "unreadable".into()),
        (SCHEDULER, "/relay", String::new()),
        (SCHEDULER, "/maintain", String::new()),
    ] {
        let answer = service.call_as(account, path, body).await;
        let problem = answer.problem(StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(problem["detail"], "the database is not available", "{path}");
    }
}

/// Pub/Sub counts each of these nacks and gives the messages up, but the service counts none of them.
#[tokio::test]
async fn a_thousand_deliveries_that_an_outage_burnt_kill_nobody() {
    let service = Service::start().await;
    let mut ids = Vec::new();
    for _ in 0..1000 {
        ids.push(service.event("a", "{}").await);
    }
    let away = Service::without_database_with(Settings { concurrency: 50, ..settings() }).await;
    for _ in 0..5 {
        assert!(away.all_answer("/push", &ids, StatusCode::SERVICE_UNAVAILABLE).await);
    }
    assert!(service.all_answer("/dead-letter", &ids, StatusCode::NO_CONTENT).await);
    let untouched = "SELECT count(*) FROM live
                      WHERE status = 'PENDING' AND attempt = 0 AND retry_count = 0 AND lost = 0 AND due_at <= now()";
    assert_eq!(service.count(untouched).await, 1000);
    assert!(service.all_answer("/push", &ids, StatusCode::NO_CONTENT).await);
    let processed = "SELECT count(*) FROM outcomes WHERE status = 'PROCESSED' AND attempt = 1";
    assert_eq!(service.count(processed).await, 1000);
}
