use axum::http::StatusCode;

use crate::harness::{PUSHER, SCHEDULER, Service, envelope};

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
