use std::time::Instant;

use axum::body::Bytes;
use futures::future::join_all;
use futures::{Stream, stream};
use gcp::bigquery::{Accepted, LoadError, Reason};
use gcp::{BigQuery, BigQueryConfig};
use serde_json::json;

use crate::warehouse::{Fault, Warehouse};
use crate::{bigquery, config, unused_host};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

const MIB: usize = 1024 * 1024;
const CHUNK: usize = 4 * MIB;

/// Bytes that differ everywhere, so that a missing or repeated piece is noticed.
fn rows(length: usize) -> Vec<u8> {
    let numbers = (0_u32..).flat_map(u32::to_le_bytes);
    numbers.take(length).collect()
}

fn stream_of(rows: &[u8]) -> impl Stream<Item = Result<Bytes, BoxError>> + Send + use<> {
    let pieces: Vec<_> = rows.chunks(70_000).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    stream::iter(pieces)
}

async fn load(bigquery: &BigQuery, rows: &[u8]) -> Result<Accepted, LoadError> {
    bigquery.load("job-1", &[], stream_of(rows)).await
}

/// Makes a load that takes three requests without faults, with these faults.
async fn load_through(faults: impl IntoIterator<Item = Fault>) -> (Warehouse, Vec<u8>) {
    let warehouse = Warehouse::start().await;
    warehouse.books().sending.extend(faults);
    let sent = rows(2 * CHUNK + 1000);
    let accepted = load(&bigquery(warehouse.host()).await, &sent).await.unwrap();
    assert_eq!(accepted, Accepted::Made);
    let loaded = warehouse.job("job-1").1;
    assert!(loaded == sent, "{} of {} bytes", loaded.len(), sent.len());
    (warehouse, sent)
}

#[tokio::test]
async fn the_job_appends_json_lines_to_a_table_that_is_there() {
    let warehouse = Warehouse::start().await;
    let bigquery = bigquery(warehouse.host()).await;
    let labels = [("service", "bq-flush"), ("range", "42")];
    let accepted = bigquery.load("job-1", &labels, stream_of(b"{}\n{}\n")).await;
    assert_eq!(accepted.unwrap(), Accepted::Made);

    let (job, loaded) = warehouse.job("job-1");
    assert_eq!(loaded, b"{}\n{}\n");
    assert_eq!(warehouse.books().ranges, ["bytes 0-5/6"]);
    assert_eq!(
        job,
        json!({
            "jobReference": {
                "projectId": "eventflow-local", "jobId": "job-1", "location": "EU",
            },
            "configuration": {
                "labels": { "service": "bq-flush", "range": "42" },
                "load": {
                    "destinationTable": {
                        "projectId": "eventflow-local",
                        "datasetId": "eventflow",
                        "tableId": "events",
                    },
                    "sourceFormat": "NEWLINE_DELIMITED_JSON",
                    "writeDisposition": "WRITE_APPEND",
                    "createDisposition": "CREATE_NEVER",
                },
            },
        })
    );
}

#[tokio::test]
async fn many_rows_go_in_chunks() {
    let (warehouse, _) = load_through([]).await;
    let ranges = ["bytes 0-4194303/*", "bytes 4194304-8388607/*", "bytes 8388608-8389607/8389608"];
    assert_eq!(warehouse.books().ranges, ranges);
}

#[tokio::test]
async fn a_whole_number_of_chunks_ends_with_the_last_of_them() {
    let warehouse = Warehouse::start().await;
    let sent = rows(2 * CHUNK);
    load(&bigquery(warehouse.host()).await, &sent).await.unwrap();
    assert!(warehouse.job("job-1").1 == sent);
    let ranges = ["bytes 0-4194303/*", "bytes 4194304-8388607/8388608"];
    assert_eq!(warehouse.books().ranges, ranges);
}

#[tokio::test]
async fn no_rows_are_a_job_too() {
    let warehouse = Warehouse::start().await;
    let accepted = load(&bigquery(warehouse.host()).await, b"").await.unwrap();
    assert_eq!(accepted, Accepted::Made);
    assert_eq!(warehouse.job("job-1").1, b"");
}

#[tokio::test]
async fn what_was_kept_of_a_chunk_is_not_sent_again() {
    let (warehouse, _) = load_through([Fault::Keep(MIB)]).await;
    assert_eq!(warehouse.books().ranges[1], "bytes 1048576-4194303/*");
}

#[tokio::test]
async fn a_chunk_that_broke_is_resumed_where_the_upload_stands() {
    let (warehouse, _) = load_through([Fault::Break(3 * MIB)]).await;
    let ranges = ["bytes 0-4194303/*", "bytes */*", "bytes 3145728-4194303/*"];
    assert_eq!(warehouse.books().ranges[..3], ranges);
}

#[tokio::test]
async fn a_chunk_that_never_arrived_is_sent_again() {
    for status in [408, 429, 500, 503] {
        load_through([Fault::Answer(status, "backendError")]).await;
    }
    load_through([Fault::Hang]).await;
}

#[tokio::test]
async fn the_question_how_far_it_is_may_fail_too() {
    let failed = Fault::Answer(503, "backendError");
    load_through([Fault::Break(MIB), failed.clone(), failed]).await;
}

#[tokio::test]
async fn a_lost_answer_to_the_last_chunk_is_asked_for() {
    let warehouse = Warehouse::start().await;
    warehouse.books().sending.push_back(Fault::LoseAnswer);
    let accepted = load(&bigquery(warehouse.host()).await, b"{}\n").await.unwrap();
    assert_eq!(accepted, Accepted::Made);
    assert_eq!(warehouse.books().ranges, ["bytes 0-2/3", "bytes */3"]);
}

#[tokio::test]
async fn a_job_that_is_there_already_is_said_to_be() {
    let duplicate = Fault::Answer(409, "duplicate");
    let warehouse = Warehouse::start().await;
    let bigquery = bigquery(warehouse.host()).await;
    warehouse.books().opening.push_back(duplicate.clone());
    let accepted = load(&bigquery, b"{}\n").await.unwrap();
    assert_eq!(accepted, Accepted::AlreadyThere);

    warehouse.books().sending.push_back(duplicate);
    let accepted = load(&bigquery, b"{}\n").await.unwrap();
    assert_eq!(accepted, Accepted::AlreadyThere);
}

#[tokio::test]
async fn rows_that_break_off_load_nothing() {
    for before in [10, 2 * CHUNK] {
        let warehouse = Warehouse::start().await;
        let broken: Result<Bytes, BoxError> = Err("the database went away".into());
        let whole = stream::iter(vec![Ok(Bytes::from(rows(before))), broken]);
        let bigquery = bigquery(warehouse.host()).await;
        let result = bigquery.load("job-1", &[], whole).await;
        let Err(LoadError::Rows(error)) = result else {
            panic!("{result:?}");
        };
        assert_eq!(error.to_string(), "the database went away");
        assert!(warehouse.books().jobs.is_empty());
    }
}

#[tokio::test]
async fn a_refusal_says_why() {
    let cases = [
        (403, "accessDenied", Reason::Access),
        (403, "quotaExceeded", Reason::Quota),
        (403, "billingNotEnabled", Reason::Access),
        (404, "notFound", Reason::NotFound),
        (400, "invalid", Reason::Invalid),
        (409, "conflict", Reason::Other("conflict".into())),
    ];
    let warehouse = Warehouse::start().await;
    let bigquery = bigquery(warehouse.host()).await;
    for (status, word, reason) in cases {
        warehouse.books().opening.push_back(Fault::Answer(status, word));
        assert_refused(&load(&bigquery, b"{}\n").await, status, &reason);
    }
    warehouse.books().sending.push_back(Fault::Answer(403, "accessDenied"));
    assert_refused(&load(&bigquery, b"{}\n").await, 403, &Reason::Access);
}

fn assert_refused(result: &Result<Accepted, LoadError>, wanted: u16, why: &Reason) {
    let Err(LoadError::Refused { status, reason, message }) = result else {
        panic!("{wanted}: {result:?}");
    };
    assert_eq!((*status, reason), (wanted, why));
    assert_eq!(message, "as asked for");
}

#[tokio::test]
async fn an_upload_that_never_opens_made_no_job() {
    let warehouse = Warehouse::start().await;
    let failed = Fault::Answer(503, "backendError");
    warehouse.books().opening.extend(vec![failed; 20]);
    let result = load(&bigquery(warehouse.host()).await, b"{}\n").await;
    assert_refused(&result, 503, &Reason::Backend);
}

#[tokio::test]
async fn what_cannot_be_found_out_is_not_called_failed() {
    let failed = Fault::Answer(503, "backendError");
    let gone = Fault::Answer(404, "notFound");
    let cases =
        [vec![failed; 20], vec![Fault::Hang; 20], vec![Fault::LoseAnswer, gone], vec![Fault::Keep(0); 20]];
    let results = join_all(cases.map(async |faults| {
        let warehouse = Warehouse::start().await;
        warehouse.books().sending.extend(faults);
        let start = Instant::now();
        let result = load(&bigquery(warehouse.host()).await, b"{}\n").await;
        (result, start.elapsed())
    }))
    .await;
    for (result, time) in results {
        assert!(matches!(result, Err(LoadError::Unknown(_))), "{result:?}");
        assert!(time.as_secs() < 10, "{time:?}");
    }
}

#[tokio::test]
async fn a_server_that_is_away_or_silent_leaves_the_outcome_unknown() {
    let result = load(&bigquery(unused_host().await).await, b"{}\n").await;
    assert!(matches!(result, Err(LoadError::Unknown(_))), "{result:?}");

    let warehouse = Warehouse::start().await;
    warehouse.books().opening.extend(vec![Fault::Hang; 20]);
    let result = load(&bigquery(warehouse.host()).await, b"{}\n").await;
    assert!(matches!(result, Err(LoadError::Unknown(_))), "{result:?}");
}

#[tokio::test]
async fn without_a_location_of_ours_that_of_the_dataset_is_used() {
    let warehouse = Warehouse::start().await;
    warehouse.books().dataset = Some(json!({
        "datasetReference": { "projectId": "eventflow-local", "datasetId": "eventflow" },
        "location": "europe-west6",
    }));
    let config = BigQueryConfig { location: None, ..config(warehouse.host()) };
    let bigquery = BigQuery::connect(config).await.unwrap();
    load(&bigquery, b"{}\n").await.unwrap();
    let job = warehouse.job("job-1").0;
    assert_eq!(job["jobReference"]["location"], "europe-west6");

    bigquery.job("job-1").await.unwrap();
    let asked = warehouse.books().asked_location.clone();
    assert_eq!(asked.as_deref(), Some("europe-west6"));
}
