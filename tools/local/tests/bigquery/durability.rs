//! Whenever the process dies, no answered request is lost, and none counts twice.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::time::Duration;

use serde_json::{Value, json};

use crate::client::{CHUNK, Server, error, job, rows};

const ROW: &str = "{\"id\":\"1\"}\n";

#[tokio::test]
async fn everything_is_there_after_a_kill() {
    let mut server = Server::with_table().await;
    server.load(&job("good"), ROW).await;
    server.load(&job("bad"), "{}\n").await;
    let (_, table) = server.get("/datasets/d/tables/events").await;
    let (_, jobs) = server.get("/jobs?projection=full").await;

    server.restart().await;

    assert_eq!(server.get("/datasets/d/tables/events").await.1, table);
    assert_eq!(server.get("/jobs?projection=full").await.1, jobs);
    assert_eq!(server.ids().await, ["1"]);
    let (status, ..) = error(server.upload(&job("bad"), ROW).await).await;
    assert_eq!(status, 409);
}

#[tokio::test]
async fn a_job_that_was_killed_runs_again_and_loads_once() {
    let mut server = Server::with_table().await;
    for delay in [0, 10, 25, 40, 50, 60] {
        let id = format!("killed-{delay}");
        let rows = rows((0..500).map(|i| format!("{id}-{i}")));
        let answer = server.upload(&job(&id), &rows).await;
        let accepted: Value = answer.json().await.unwrap();
        tokio::time::sleep(Duration::from_millis(delay)).await;

        server.restart().await;

        let job = server.ended(&accepted["jobReference"]).await;
        assert_eq!(job["statistics"]["load"]["outputRows"], "500");
    }
    assert_eq!(server.ids().await.len(), 3000);
    let files = |name: &str| fs::read_dir(server.dir.path().join(name)).unwrap().count();
    assert_eq!((files("rows"), files("uploads")), (6, 0));
}

#[tokio::test]
async fn a_session_goes_on_after_a_kill() {
    let mut server = Server::with_table().await;
    let mut rows = ROW.repeat(CHUNK / ROW.len() + 1);
    let total = rows.len();
    let last = rows.split_off(CHUNK);
    let session = server.open(&job("resumed")).await;
    let first = format!("bytes 0-{}/*", CHUNK - 1);
    assert_eq!(server.put(&session, &first, rows).await.status(), 308);

    server.restart().await;

    let query = server.put(&session, "bytes */*", "").await;
    assert_eq!(query.headers()["range"], format!("bytes=0-{}", CHUNK - 1));
    let range = format!("bytes {CHUNK}-{}/{total}", total - 1);
    let answer = server.put(&session, &range, last).await;
    let accepted: Value = answer.json().await.unwrap();
    let job = server.ended(&accepted["jobReference"]).await;
    assert_eq!(job["statistics"]["load"]["outputRows"], (total / ROW.len()).to_string());
}

#[tokio::test]
async fn half_a_journal_line_was_never_promised() {
    let mut server = Server::with_table().await;
    server.load(&job("before"), ROW).await;
    server.kill();
    let journal = server.dir.path().join("journal.ndjson");
    let mut journal = OpenOptions::new().append(true).open(journal).unwrap();
    journal.write_all(b"[{\"TableDeleted\":{\"proj").unwrap();

    server.restart().await;
    server.load(&job("after"), ROW).await;
    server.restart().await;

    assert_eq!(server.ids().await.len(), 2);
}

#[tokio::test]
async fn rows_of_no_job_are_swept_away() {
    let mut server = Server::with_table().await;
    server.load(&job("kept"), ROW).await;
    let orphan = server.dir.path().join("rows/half-written.ndjson");
    fs::write(&orphan, "[\"2\"").unwrap();

    server.restart().await;

    assert!(!orphan.exists());
    assert_eq!(server.ids().await, ["1"]);
}

#[tokio::test]
async fn two_processes_do_not_share_a_folder() {
    let server = Server::with_table().await;
    let second = std::process::Command::new(env!("CARGO_BIN_EXE_local"))
        .args(["bigquery", "--port", "0", "--dir"])
        .arg(server.dir.path())
        .output()
        .unwrap();
    assert!(!second.status.success());
    assert!(String::from_utf8_lossy(&second.stderr).contains("in use"));
}

#[tokio::test]
async fn loads_at_the_same_time_do_not_mix() {
    let server = Server::with_table().await;
    let loads = (0..20).map(async |i| {
        let rows = rows((0..50).map(|j| format!("{i}-{j}")));
        server.load(&job(&format!("parallel-{i}")), &rows).await
    });
    for job in futures::future::join_all(loads).await {
        assert_eq!(job["statistics"]["load"]["outputRows"], json!("50"));
    }
    let ids = server.ids().await;
    for load in ids.chunks(50) {
        let (number, _) = load[0].split_once('-').unwrap();
        let expected: Vec<String> = (0..50).map(|j| format!("{number}-{j}")).collect();
        assert_eq!(load, expected);
    }
    assert_eq!(ids.len(), 1000);
}

#[tokio::test]
async fn a_client_that_gives_up_and_comes_back_loads_once() {
    let server = Server::with_table().await;
    for wait in 0..20 {
        let rows = rows((0..10_000).map(|i| format!("{wait}-{i}-{}", "x".repeat(50))));
        let id = format!("impatient-{wait}");
        let session = server.open(&job(&id)).await;
        let range = format!("bytes 0-{}/{}", rows.len() - 1, rows.len());
        let request = server.http.put(&session).header("content-range", &range);
        let request = request.timeout(Duration::from_millis(wait));
        drop(request.body(rows.clone()).send().await);

        let query = server.put(&session, "bytes */*", "").await;
        if query.status() == 308 {
            let received = match query.headers().get("range") {
                Some(range) => {
                    let last = range.to_str().unwrap().strip_prefix("bytes=0-").unwrap();
                    last.parse::<usize>().unwrap() + 1
                }
                None => 0,
            };
            let range = format!("bytes {received}-{}/{}", rows.len() - 1, rows.len());
            let rest = rows[received..].to_owned();
            assert_eq!(server.put(&session, &range, rest).await.status(), 200);
        }

        let reference = json!({"jobId": id, "location": "US"});
        let job = server.ended(&reference).await;
        assert_eq!(job["statistics"]["load"]["outputRows"], "10000", "{job}");
    }
}
