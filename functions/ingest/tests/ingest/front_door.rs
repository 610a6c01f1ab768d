use std::time::Duration;

use axum::http::StatusCode;
use ingest::IngestAuth;
use service::testing::{call, untouchable};

use crate::harness::{absent, event, router};

#[tokio::test]
async fn an_unconfigured_service_refuses_before_it_reads_or_looks_anything_up() {
    for auth in [IngestAuth::Keys, IngestAuth::Iam] {
        let router = router(absent(Duration::from_mins(1)), auth).await;
        let answer = call(router, event(untouchable())).await;
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        let problem = answer.problem(StatusCode::UNAUTHORIZED);
        assert!(
            problem["detail"].as_str().unwrap().contains("is required"),
            "{problem}"
        );
    }
}
