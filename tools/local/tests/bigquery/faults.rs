//! The faults that a test can ask for.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::{CHUNK, Server, error, job};

const ROW: &str = "{\"id\":\"1\"}\n";

#[tokio::test]
async fn jobs_end_with_the_error_that_was_asked_for() {
    let server = Server::with_table().await;
    server.faults(json!({"failJobs": {"reason": "backendError", "count": 2}})).await;
    for id in ["one", "two"] {
        let job = server.load(&job(id), ROW).await;
        assert_eq!(job["status"]["errorResult"]["reason"], "backendError");
    }
    assert_eq!(server.load(&job("three"), ROW).await["status"], json!({"state": "DONE"}));
    let fault = json!({"reason": "accessDenied", "message": "Access Denied: why", "count": 1});
    server.faults(json!({"failJobs": fault})).await;
    let denied = server.load(&job("four"), ROW).await;
    let expected = json!({"reason": "accessDenied", "message": "Access Denied: why"});
    assert_eq!(denied["status"]["errorResult"], expected);
    assert_eq!(server.ids().await.len(), 1);
}

#[tokio::test]
async fn rows_do_not_fit_that_contain_what_was_told() {
    let server = Server::with_table().await;
    server.faults(json!({"invalidRows": "poison"})).await;
    let bad = "{\"id\":\"2\",\"eventType\":\"a poisonous one\"}\n";
    let refused = server.load(&job("bad"), &format!("{ROW}{bad}")).await;
    let status = &refused["status"];
    assert_eq!(status["errorResult"]["reason"], "invalid");
    let cause = status["errors"].as_array().unwrap().last().unwrap();
    assert_eq!((&cause["reason"], &cause["location"]), (&json!("invalid"), &json!("file-00000000")));
    let position = format!("row starting at position {}: ", ROW.len());
    assert!(cause["message"].as_str().unwrap().contains(&position), "{cause}");
    assert_eq!(server.load(&job("good"), ROW).await["status"], json!({"state": "DONE"}));
    server.faults(json!({})).await;
    assert_eq!(server.load(&job("fits-by-now"), bad).await["status"], json!({"state": "DONE"}));
    assert_eq!(server.ids().await.len(), 2);
}

#[tokio::test]
async fn numbers_are_refused_as_parse_json_refuses_them() {
    let server = Server::with_table().await;
    let row = |payload: &str| format!("{{\"id\":\"1\",\"payload\":{payload}}}\n");
    let ends = async |id: &str, payload: &str| {
        let ended = server.load(&job(id), &row(payload)).await;
        ended["status"]["errors"].as_array().map(|errors| errors.last().unwrap()["message"].to_string())
    };
    assert_eq!(ends("free", "{\"a\":67.174118}").await, None, "a load job is not known to refuse any");
    server.faults(json!({"numbers": "parseJson"})).await;
    let said = ends("refused", "{\"a\":67.174118}").await.unwrap();
    assert!(
        said.contains("row starting at position 0: Invalid input: Input number: 67.174118 cannot"),
        "{said}"
    );
    assert_eq!(ends("double", "{\"a\":67.17411800000001,\"b\":12.5}").await, None);
    server.faults(json!({"numbers": "integersOnly"})).await;
    assert!(ends("decimal", "{\"a\":12.5}").await.is_some());
    assert_eq!(ends("text", "{\"a\":\"12.5\",\"b\":7}").await, None);
}

#[tokio::test]
async fn inserts_get_the_status_that_was_asked_for() {
    let server = Server::with_table().await;
    for (status, reason) in [(500, "internalError"), (503, "backendError"), (429, "rateLimitExceeded")] {
        server.faults(json!({"http": {"status": status, "count": 1}})).await;
        let start = server.http.post(server.upload_url("resumable")).json(&job("x"));
        let (answered, said, _) = error(start.send().await.unwrap()).await;
        assert_eq!((answered, said.as_str()), (status, reason));
        let session = server.open(&job(&format!("after-{status}"))).await;
        server.faults(json!({"http": {"status": status, "count": 1}})).await;
        let range = format!("bytes 0-{}/{}", ROW.len() - 1, ROW.len());
        assert_eq!(server.put(&session, &range, ROW).await.status(), status);
        assert_eq!(server.put(&session, &range, ROW).await.status(), 200);
    }
}

#[tokio::test]
async fn inserts_fail_by_chance() {
    let server = Server::with_table().await;
    server.faults(json!({"http": {"status": 503, "probability": 0.5}})).await;
    let mut refused = 0;
    for _ in 0..100 {
        let start = server.http.post(server.upload_url("resumable")).json(&job("x"));
        refused += u32::from(start.send().await.unwrap().status() == 503);
    }
    assert!((20..80).contains(&refused), "{refused} of 100");
}

#[tokio::test]
async fn an_answer_is_lost_and_the_job_is_not() {
    let server = Server::with_table().await;
    server.faults(json!({"loseResponses": 1})).await;
    let session = server.open(&job("unheard")).await;
    let range = format!("bytes 0-{}/{}", ROW.len() - 1, ROW.len());
    let request = server.http.put(&session).header("content-range", &range).body(ROW);
    let waited = request.timeout(Duration::from_secs(2)).send().await;
    assert!(waited.unwrap_err().is_timeout());

    let asked = server.put(&session, "bytes */*", "").await;

    assert_eq!(asked.status(), 200);
    let accepted: Value = asked.json().await.unwrap();
    server.ended(&accepted["jobReference"]).await;
    assert_eq!(server.ids().await, ["1"]);
}

#[tokio::test]
async fn an_upload_that_is_cut_off_can_be_resumed() {
    let server = Server::with_table().await;
    server.faults(json!({"cutUploads": 1})).await;
    let rows = format!("{ROW}{}", " ".repeat(4 * CHUNK - ROW.len()));
    let session = server.open(&job("cut")).await;
    let range = format!("bytes 0-{}/{}", rows.len() - 1, rows.len());
    let request = server.http.put(&session).header("content-range", &range).body(rows.clone());
    let broken = request.send().await.unwrap_err();
    assert!(broken.is_request() || broken.is_body(), "{broken:?}");

    let query = server.put(&session, "bytes */*", "").await;

    assert_eq!(query.status(), 308);
    let range = query.headers()["range"].to_str().unwrap();
    let received = range.strip_prefix("bytes=0-").unwrap().parse::<usize>().unwrap() + 1;
    assert!(received >= 2 * CHUNK && received.is_multiple_of(CHUNK), "{received}");
    let range = format!("bytes {received}-{}/{}", rows.len() - 1, rows.len());
    let answer = server.put(&session, &range, rows[received..].to_owned()).await;
    assert_eq!(answer.status(), 200);
    let accepted: Value = answer.json().await.unwrap();
    server.ended(&accepted["jobReference"]).await;
    assert_eq!(server.ids().await, ["1"]);
}

#[tokio::test]
async fn every_answer_is_slow() {
    let server = Server::with_table().await;
    server.faults(json!({"delayMs": 200})).await;
    let started = Instant::now();
    server.get("/datasets").await;
    assert!(started.elapsed() >= Duration::from_millis(200));
}

#[tokio::test]
async fn making_things_is_denied() {
    let server = Server::with_table().await;
    server.faults(json!({"denyCreate": {"dataset": true, "table": true}})).await;
    let dataset = json!({"datasetReference": {"datasetId": "new"}});
    let (status, reason, message) = error(server.post("/datasets", &dataset).await).await;
    assert_eq!((status, reason.as_str()), (403, "accessDenied"));
    assert!(message.contains("bigquery.datasets.create"), "{message}");
    let table = json!({"tableReference": {"datasetId": "d", "tableId": "new"}});
    let (status, reason, message) = error(server.post("/datasets/d/tables", &table).await).await;
    assert_eq!((status, reason.as_str()), (403, "accessDenied"));
    assert!(message.contains("bigquery.tables.create"), "{message}");
    let mut load = crate::client::job_with("denied", "createDisposition", "CREATE_IF_NEEDED");
    load["configuration"]["load"]["destinationTable"]["tableId"] = "new".into();
    let load = server.load(&load, ROW).await;
    assert_eq!(load["status"]["errorResult"]["reason"], "accessDenied");
}

#[tokio::test]
async fn faults_are_shown_as_they_are_left() {
    let server = Server::with_table().await;
    server.faults(json!({"failJobs": {"reason": "stopped", "count": 2}, "delayMs": 1})).await;
    server.load(&job("one"), ROW).await;
    let url = format!("{}/control/faults", server.base());

    let shown: Value = server.http.get(url).send().await.unwrap().json().await.unwrap();

    assert_eq!(shown["failJobs"], json!({"reason": "stopped", "count": 1}));
    assert_eq!(shown["delayMs"], 1);
    assert!(shown.get("loadsPerTablePerDay").is_none(), "no fault, but the quota that it was started with");
}

#[tokio::test]
async fn wrong_faults_are_a_400_that_names_the_field() {
    let server = Server::start().await;
    for (faults, named) in [
        (json!({"failjobs": {}}), "failjobs"),
        (json!({"failJobs": {"reason": "invalid"}}), "count"),
        (json!({"failJobs": {"reason": "", "count": 1}}), "failJobs.reason"),
        (json!({"failJobs": {"reason": "invalid", "count": -1}}), "failJobs.count"),
        (json!({"invalidRows": ""}), "invalidRows"),
        (json!({"numbers": "none"}), "numbers"),
        (json!({"http": {"status": 200}}), "http.status"),
        (json!({"http": {"status": 503, "probability": 2}}), "http.probability"),
        (json!({"delayMs": "long"}), "delayMs"),
        (json!({"denyCreate": {"view": true}}), "denyCreate"),
    ] {
        let (status, _, message) = error(server.faults(faults.clone()).await).await;
        assert_eq!(status, 400, "{faults}");
        assert!(message.contains(named), "{named}: {message}");
    }
}
