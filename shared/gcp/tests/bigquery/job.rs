use gcp::bigquery::{Error, Job, JobError, Reason};
use serde_json::{Value, json};

use crate::warehouse::{Warehouse, error};
use crate::{bigquery, unused_host};

async fn job_answered(status: u16, answer: Value) -> Result<Job, Error> {
    let warehouse = Warehouse::start().await;
    warehouse.books().job_answer = Some((status, answer));
    let job = bigquery(warehouse.host()).await.job("job-1").await;
    assert_eq!(warehouse.books().asked_location.as_deref(), Some("EU"));
    job
}

/// A job in BigQuery's format, in which 64-bit numbers are text.
fn resource(status: &Value) -> Value {
    json!({
        "kind": "bigquery#job",
        "id": "eventflow-local:EU.job-1",
        "jobReference": {
            "projectId": "eventflow-local", "jobId": "job-1", "location": "EU",
        },
        "configuration": { "jobType": "LOAD", "labels": { "range": "42" } },
        "statistics": {
            "creationTime": "1700000000000",
            "load": {
                "inputFiles": "1", "inputFileBytes": "400",
                "outputRows": "3", "outputBytes": "9007199254740993",
            },
        },
        "status": status,
    })
}

#[tokio::test]
async fn a_finished_job_tells_its_rows_and_bytes() {
    let job = job_answered(200, resource(&json!({ "state": "DONE" }))).await;
    let done = Job::Done { output_rows: 3, output_bytes: 9_007_199_254_740_993 };
    assert_eq!(job.unwrap(), done);
}

#[tokio::test]
async fn a_job_that_waits_or_works_is_running() {
    for state in ["PENDING", "RUNNING"] {
        let job = job_answered(200, resource(&json!({ "state": state }))).await;
        assert_eq!(job.unwrap(), Job::Running);
    }
}

#[tokio::test]
async fn a_job_that_is_done_with_an_error_has_failed() {
    let message = "Error while reading data, error message: JSON table encountered too many \
                   errors, giving up. Rows: 1; errors: 1.";
    let status = json!({
        "state": "DONE",
        "errorResult": { "reason": "invalid", "message": message },
        "errors": [
            { "reason": "invalid", "message": message },
            { "reason": "invalid", "location": "gs://x", "message": "Only optional fields" },
        ],
    });
    let job = job_answered(200, resource(&status)).await.unwrap();
    let one = |location: Option<&str>, message: &str| JobError {
        reason: Reason::Invalid,
        location: location.map(Into::into),
        message: message.into(),
    };
    let failed = Job::Failed {
        reason: Reason::Invalid,
        message: message.into(),
        errors: vec![one(None, message), one(Some("gs://x"), "Only optional fields")],
    };
    assert_eq!(job, failed);
}

#[tokio::test]
async fn how_a_job_failed_decides_what_there_is_to_do() {
    let cases = [
        ("invalid", Reason::Invalid),
        ("quotaExceeded", Reason::Quota),
        ("rateLimitExceeded", Reason::Quota),
        ("backendError", Reason::Backend),
        ("internalError", Reason::Backend),
        ("accessDenied", Reason::Access),
        ("billingNotEnabled", Reason::Access),
        ("notFound", Reason::NotFound),
        ("stopped", Reason::Other("stopped".into())),
    ];
    for (word, wanted) in cases {
        let status = json!({
            "state": "DONE", "errorResult": { "reason": word, "message": "m" },
        });
        match job_answered(200, resource(&status)).await.unwrap() {
            Job::Failed { reason, .. } => assert_eq!(reason, wanted),
            other => panic!("{word}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_job_that_is_not_there_is_unknown() {
    let answer = error(404, "notFound", "Not found: Job eventflow-local:EU.job-1");
    assert_eq!(job_answered(404, answer).await.unwrap(), Job::Unknown);
}

#[tokio::test]
async fn no_answer_says_nothing_about_the_job() {
    let refused = job_answered(503, error(503, "backendError", "later")).await;
    assert!(
        matches!(refused, Err(Error::Refused { status: 503, reason: Reason::Backend, .. })),
        "{refused:?}"
    );
    let mut without_counts = resource(&json!({ "state": "DONE" }));
    without_counts["statistics"] = json!({});
    for strange in [without_counts, resource(&json!({ "state": "LOST" })), json!("a proxy's page")] {
        let answer = job_answered(200, strange).await;
        assert!(matches!(answer, Err(Error::Unknown(_))), "{answer:?}");
    }
    let away = bigquery(unused_host().await).await.job("job-1").await;
    assert!(matches!(away, Err(Error::Unknown(_))), "{away:?}");
}

#[tokio::test]
async fn a_silent_server_is_waited_for_within_the_bound() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = silent.local_addr().unwrap().to_string();
    let start = std::time::Instant::now();
    let answer = bigquery(host).await.job("job-1").await;
    assert!(matches!(answer, Err(Error::Unknown(_))), "{answer:?}");
    assert!(start.elapsed().as_secs() < 2);
}
