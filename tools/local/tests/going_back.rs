//! `docs/restore.md`, with all services and commands as they are: to the database of an earlier moment, and back to the one that was
//! left. In both cases, each event is in BigQuery once.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use local::process::Tell;
use local::stack::{Options, Part, Settings, Stack};
use reqwest::StatusCode;
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_mins(1);

/// The system in a folder that outlives it, with the database that lies in there.
async fn start(folder: &Path, is_paused: bool) -> Stack {
    let set = [
        ("PAUSED", if is_paused { "true" } else { "false" }),
        ("FLUSH_EVERY_SECONDS", "1"),
        ("RELAY_EVERY_SECONDS", "1"),
    ];
    let silent: Tell = Arc::new(|_, _| {});
    let options = Options::kept(folder.to_owned(), Settings::on_free_ports(&set).unwrap(), silent).unwrap();
    Stack::start(options).await.unwrap()
}

async fn post(stack: &Stack) -> reqwest::Response {
    let event = json!({"eventType": "user.signup", "payload": {"userId": "123"}});
    let url = format!("{}/events", stack.url(Part::Ingest));
    reqwest::Client::new().post(url).json(&event).send().await.unwrap()
}

async fn json(url: String) -> Value {
    reqwest::get(url).await.unwrap().json().await.unwrap()
}

/// So many events go their whole way.
async fn events(folder: &Path, count: usize) -> Vec<String> {
    let stack = start(folder, false).await;
    let mut ids = Vec::new();
    for _ in 0..count {
        let answer: Value = post(&stack).await.json().await.unwrap();
        ids.push(answer["eventId"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned());
    }
    let deadline = Instant::now() + PATIENCE;
    for id in &ids {
        let url = format!("{}/admin/events/{id}", stack.url(Part::Admin));
        while json(url.clone()).await["status"] != "PROCESSED" || !loaded(&stack).await.contains(id) {
            assert!(Instant::now() < deadline, "{id} did not go its way within {PATIENCE:?}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
    stack.stop().await.unwrap();
    ids
}

/// The ids of all rows in BigQuery, in order.
async fn loaded(stack: &Stack) -> Vec<String> {
    let table = "bigquery/v2/projects/eventflow-local/datasets/eventflow/tables/events/data?maxResults=10000";
    let answer = json(format!("{}/{table}", stack.url(Part::Bigquery))).await;
    let rows = answer["rows"].as_array().cloned().unwrap_or_default();
    let mut ids: Vec<_> = rows.iter().map(|row| row["f"][0]["v"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    ids
}

/// One of `admin`'s commands, beside the system: what it said.
fn admin(stack: &Stack, arguments: &[&str]) -> String {
    let output = stack.command(Part::Admin, None)().args(arguments).output().unwrap();
    let told = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(output.status.success(), "{arguments:?}: {told}");
    told
}

fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-a").args([from, to]).status().unwrap().success());
}

/// Steps 1 to 6. While all who write are stopped, the database is exchanged for the one in `other`, and left in `keep`.
async fn go_to(folder: &Path, other: &Path, keep: &Path, told: &[&str]) {
    let stack = start(folder, true).await;
    let refused = post(&stack).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.headers()["retry-after"], "30");
    // The scheduler's calls come meanwhile.
    let before = loaded(&stack).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(loaded(&stack).await, before);
    stack.stop().await.unwrap();

    fs::rename(folder.join("postgres"), keep).unwrap();
    fs::rename(other, folder.join("postgres")).unwrap();
    let stack = start(folder, true).await;
    admin(&stack, &["migrate"]);
    let looked = admin(&stack, &["adopt"]);
    assert!(looked.contains("Nothing was changed"), "{looked}");
    let adopted = admin(&stack, &["adopt", "--no-other-database-loads"]);
    assert!(adopted.contains("Adopted"), "{adopted}");
    for line in told {
        assert!(looked.contains(line) && adopted.contains(line), "{line}: {looked}{adopted}");
    }
    assert_eq!(loaded(&stack).await, before);
    stack.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn there_and_back() {
    let folder = tempfile::tempdir().unwrap();
    // The server may run under another account.
    Command::new("chmod").arg("0711").arg(folder.path()).status().unwrap();
    let [home, moment, left, older] =
        ["home", "moment", "left", "older"].map(|name| folder.path().join(name));
    fs::create_dir(&home).unwrap();

    let mut all = events(&home, 3).await;
    copy(&home.join("postgres"), &moment);
    all.extend(events(&home, 4).await);

    let told = ["this cluster", "does not say so: 0", "not in this database: 4", "will be: 0"];
    go_to(&home, &moment, &left, &told).await;
    all.extend(events(&home, 5).await);

    let told = ["this cluster", "does not say so: 0", "not in this database: 5", "will be: 0"];
    go_to(&home, &left, &older, &told).await;
    all.extend(events(&home, 2).await);

    let stack = start(&home, false).await;
    all.sort();
    assert_eq!(loaded(&stack).await, all);
    let metrics = json(format!("{}/admin/metrics", stack.url(Part::Admin))).await;
    assert_eq!(metrics["summary"]["total"], 3 + 4 + 2, "{metrics}");
    stack.stop().await.unwrap();
}
