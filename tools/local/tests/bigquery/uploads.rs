//! The two upload protocols.

use serde_json::{Value, json};

use crate::client::{CHUNK, Server, error, job, job_with, rows};

fn numbered(count: usize) -> String {
    rows((0..count).map(|i| format!("a row with the number {i:06}")))
}

#[tokio::test]
async fn a_resumable_upload_goes_chunk_by_chunk() {
    let server = Server::with_table().await;
    let rows = numbered(20_000);
    let total = rows.len();
    assert!((2 * CHUNK..3 * CHUNK).contains(&total));
    let session = server.open(&job("chunked")).await;

    let first = format!("bytes 0-{}/*", CHUNK - 1);
    let first = server.put(&session, &first, rows[..CHUNK].to_owned()).await;
    assert_eq!(first.status(), 308);
    assert_eq!(first.headers()["range"], format!("bytes=0-{}", CHUNK - 1));
    let second = format!("bytes {CHUNK}-{}/{total}", 2 * CHUNK - 1);
    let second = server.put(&session, &second, rows[CHUNK..2 * CHUNK].to_owned()).await;
    assert_eq!(second.status(), 308);
    let query = server.put(&session, "bytes */*", "").await;
    assert_eq!(query.status(), 308);
    assert_eq!(query.headers()["range"], format!("bytes=0-{}", 2 * CHUNK - 1));
    let last = format!("bytes {}-{}/{total}", 2 * CHUNK, total - 1);
    let last = server.put(&session, &last, rows[2 * CHUNK..].to_owned()).await;
    assert_eq!(last.status(), 200);

    let job: Value = last.json().await.unwrap();
    assert_eq!(job["kind"], "bigquery#job");
    let job = server.ended(&job["jobReference"]).await;
    assert_eq!(job["statistics"]["load"]["outputRows"], "20000");
    assert_eq!(job["statistics"]["load"]["inputFileBytes"], total.to_string());
    let ids = server.ids().await;
    assert_eq!((ids.len(), ids[19_999].as_str()), (20_000, "a row with the number 019999"));
}

#[tokio::test]
async fn a_chunk_sent_twice_counts_once() {
    let server = Server::with_table().await;
    let rows = numbered(20_000);
    let session = server.open(&job("twice")).await;
    for _ in 0..2 {
        let range = format!("bytes 0-{}/*", CHUNK - 1);
        let answer = server.put(&session, &range, rows[..CHUNK].to_owned()).await;
        assert_eq!(answer.headers()["range"], format!("bytes=0-{}", CHUNK - 1));
    }
    let range = format!("bytes 0-{}/{}", rows.len() - 1, rows.len());
    let answer = server.put(&session, &range, rows).await;
    let accepted: Value = answer.json().await.unwrap();

    let job = server.ended(&accepted["jobReference"]).await;
    assert_eq!(job["statistics"]["load"]["outputRows"], "20000");
}

#[tokio::test]
async fn a_length_that_shows_at_the_end_is_told_by_a_query() {
    let server = Server::with_table().await;
    let mut rows = numbered(1);
    rows.push_str(&" ".repeat(CHUNK - rows.len()));
    let session = server.open(&job("late")).await;
    let range = format!("bytes 0-{}/*", CHUNK - 1);
    assert_eq!(server.put(&session, &range, rows).await.status(), 308);

    let answer = server.put(&session, &format!("bytes */{CHUNK}"), "").await;

    assert_eq!(answer.status(), 200);
    let accepted: Value = answer.json().await.unwrap();
    let job = server.ended(&accepted["jobReference"]).await;
    assert_eq!(job["statistics"]["load"]["outputRows"], "1");
}

#[tokio::test]
async fn no_rows_are_a_load_too() {
    let server = Server::with_table().await;
    let job = server.load(&job("empty"), "").await;
    assert_eq!(job["statistics"]["load"]["outputRows"], "0");
    assert!(job["status"].get("errorResult").is_none());
}

#[tokio::test]
async fn a_chunk_that_does_not_fit_is_refused() {
    let server = Server::with_table().await;
    let session = server.open(&job("odd")).await;
    for (range, length, complaint) in [
        ("bytes 0-99/*", 100, "multiple"),
        ("bytes 0-99/1000", 100, "multiple"),
        ("bytes 262144-262243/262244", 100, "offset"),
        ("bytes 0-99/100", 99, "Content-Range"),
        ("bytes 0-99/100", 101, "Content-Range"),
        ("bytes 0-x/100", 100, "Content-Range"),
        ("items 0-99/100", 100, "Content-Range"),
    ] {
        let answer = server.put(&session, range, "x".repeat(length)).await;
        let (status, reason, message) = error(answer).await;
        assert_eq!((status, reason.as_str()), (400, "invalid"), "{range}");
        assert!(message.contains(complaint), "{range}: {message}");
    }
    let query = server.put(&session, "bytes */*", "").await;
    assert_eq!((query.status().as_u16(), query.headers().get("range")), (308, None));
}

#[tokio::test]
async fn the_length_told_at_the_start_must_hold() {
    let server = Server::with_table().await;
    let request = server.http.post(server.upload_url("resumable")).json(&job("told"));
    let answer = request.header("x-upload-content-length", "7").send().await.unwrap();
    let session = answer.headers()["location"].to_str().unwrap().to_owned();

    let (status, _, message) = error(server.put(&session, "bytes 0-1/2", "{}").await).await;

    assert_eq!(status, 400);
    assert!(message.contains("X-Upload-Content-Length"), "{message}");
}

#[tokio::test]
async fn an_unknown_session_is_not_found() {
    let server = Server::with_table().await;
    let unknown = uuid::Uuid::new_v4();
    let session = format!("{}&upload_id={unknown}", server.upload_url("resumable"));
    let (status, reason, _) = error(server.put(&session, "bytes */*", "").await).await;
    assert_eq!((status, reason.as_str()), (404, "notFound"));
}

#[tokio::test]
async fn a_finished_session_repeats_its_answer() {
    let server = Server::with_table().await;
    let rows = numbered(3);
    let session = server.open(&job("again")).await;
    let range = format!("bytes 0-{}/{}", rows.len() - 1, rows.len());
    let accepted: Value = server.put(&session, &range, rows.clone()).await.json().await.unwrap();
    server.ended(&accepted["jobReference"]).await;

    let again = server.put(&session, &range, rows).await;

    assert_eq!(again.status(), 200);
    let again: Value = again.json().await.unwrap();
    assert_eq!(again["jobReference"], accepted["jobReference"]);
    assert_eq!(server.ids().await.len(), 3);
}

#[tokio::test]
async fn a_multipart_upload_is_one_request() {
    let server = Server::with_table().await;
    let body = format!(
        "--==1==\r\ncontent-type: application/json; charset=UTF-8\r\n\r\n{}\r\n\
         --==1==\r\ncontent-type: */*\r\n\r\n{}\r\n--==1==--",
        job("parts"),
        numbered(2)
    );
    let request = server.http.post(server.upload_url("multipart")).body(body);
    let request = request.header("content-type", "multipart/related; boundary=\"==1==\"");

    let answer = request.send().await.unwrap();

    assert_eq!(answer.status(), 200);
    let accepted: Value = answer.json().await.unwrap();
    let job = server.ended(&accepted["jobReference"]).await;
    assert_eq!(job["statistics"]["load"]["outputRows"], "2");
    assert_eq!(server.ids().await, ["a row with the number 000000", "a row with the number 000001"]);
}

#[tokio::test]
async fn a_bad_start_is_a_400_that_names_the_field() {
    let server = Server::with_table().await;
    for (job, named) in [
        (json!({}), "configuration"),
        (json!({"configuration": {"query": {}}}), "query"),
        (job_with("x", "sourceFormat", "CSV"), "sourceFormat"),
        (job_with("x", "writeDisposition", "APPEND"), "writeDisposition"),
        (job_with("x", "autodetect", true), "autodetect"),
        (job_with("x", "nullMarker", "-"), "nullMarker"),
        (job("not an id"), "jobId"),
    ] {
        let request = server.http.post(server.upload_url("resumable")).json(&job);
        let (status, reason, message) = error(request.send().await.unwrap()).await;
        assert_eq!((status, reason.as_str()), (400, "invalid"), "{job}");
        assert!(message.contains(named), "{message}");
    }
    let (status, _, message) =
        error(server.http.post(server.upload_url("media")).send().await.unwrap()).await;
    assert_eq!(status, 400);
    assert!(message.contains("uploadType"), "{message}");
}
