//! Uses the CloudEvents SDK from npm as the client.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use axum::http::StatusCode;
use door::Door;
use serde_json::Value;
use service::Readiness;
use store::testing::database;
use tokio::net::TcpListener;
use tokio::task::spawn_blocking;

use crate::harness::router;

#[tokio::test]
async fn the_sdk_is_understood_in_every_mode() {
    let client = match spawn_blocking(client).await.unwrap() {
        Ok(client) => client,
        Err(why) => return println!("NOT RUN, the CloudEvents SDK is no client here: {why}"),
    };
    let database = database().await;
    let router =
        service::router(router(database.store.clone(), Door::open()).await, &Readiness::waiting_for(&[]));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, router).await });
    let answers = spawn_blocking(move || run(Command::new("node").arg("send.mjs").arg(url), &client));
    let answers: Vec<Value> =
        answers.await.unwrap().unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(answers.iter().all(|answer| answer["status"] == StatusCode::CREATED.as_u16()), "{answers:?}");
    assert_eq!(answers[2]["body"], answers[0]["body"]);
    let results = &answers[6]["body"]["results"];
    assert_eq!(results[2]["eventId"], results[0]["eventId"]);
    let kept = database
        .value::<String>(
            "SELECT string_agg(concat_ws(' ', event_type, payload, metadata), E'\n' ORDER BY metadata::text) FROM events",
        )
        .await;
    insta::assert_snapshot!(kept, @r#"
    com.example.sdk {"a":[1,"é"]} {"cloudevents":{"id":"1","source":"/sdk","specversion":"1.0","time":"2018-04-05T17:31:00.000Z","subject":"100% of it","extensions":{"comexample":"value","number":5},"data":"payload"}}
    com.example.sdk {"a":[1,"é"]} {"cloudevents":{"id":"2","source":"/sdk","specversion":"1.0","time":"2018-04-05T17:31:00.000Z","subject":"100% of it","datacontenttype":"application/json; charset=utf-8","extensions":{"comexample":"value","number":"5"},"data":"payload"}}
    com.example.sdk {"data_base64":"AAH/"} {"cloudevents":{"id":"3","source":"/sdk","specversion":"1.0","time":"2018-04-05T17:31:00.000Z","data":"payload.data_base64"}}
    com.example.sdk {"data":"text"} {"cloudevents":{"id":"4","source":"/sdk","specversion":"1.0","time":"2018-04-05T17:31:00.000Z","datacontenttype":"text/plain","data":"payload.data"}}
    com.example.sdk {} {"cloudevents":{"id":"5","source":"/sdk","specversion":"1.0","time":"2018-04-05T17:31:00.000Z","data":"none"}}
    com.example.sdk {"a":[1,"é"]} {"cloudevents":{"id":"6","source":"/sdk","specversion":"1.0","time":"2018-04-05T17:31:00.000Z","subject":"100% of it","extensions":{"comexample":"value","number":5},"data":"payload"}}
    com.example.sdk {"data":"text"} {"cloudevents":{"id":"7","source":"/sdk","specversion":"1.0","time":"2018-04-05T17:31:00.000Z","data":"payload.data"}}
    "#);
}

/// Returns the folder of the client, which is installed from the registry the first time.
fn client() -> Result<PathBuf, String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sdk");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cloudevents-sdk");
    fs::create_dir_all(&folder).unwrap();
    for file in ["package.json", "package-lock.json", "send.mjs"] {
        fs::copy(source.join(file), folder.join(file)).unwrap();
    }
    run(Command::new("node").arg("--version"), &folder)?;
    // npm writes this file when the installation is complete.
    let installed = fs::read_to_string(folder.join("node_modules/.package-lock.json")).unwrap_or_default();
    if !installed.contains("node_modules/cloudevents\"") {
        let arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
        run(Command::new("npm").args(arguments), &folder)?;
    }
    Ok(folder)
}

fn run(command: &mut Command, folder: &Path) -> Result<String, String> {
    let said = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    match command.current_dir(folder).output() {
        Ok(Output { status, stdout, .. }) if status.success() => Ok(said(stdout)),
        Ok(Output { stderr, .. }) => Err(format!("{command:?}: {}", said(stderr))),
        Err(error) => Err(format!("{command:?}: {error}")),
    }
}
