use std::time::Duration;

use store::testing::database;
use tokio::time::sleep;

use crate::process::Process;

/// The error message of PostgreSQL names the role.
#[tokio::test]
async fn a_service_that_waits_says_for_what_and_names_no_role() {
    let database = database().await;
    let (_, address) = database.url.split_once('@').unwrap();
    let process = Process::start(&format!("postgres://eventflow_secret@{address}"), &[]).await;
    let body = loop {
        let body = process.get("/ready").await;
        if !body.contains("not reached yet") {
            break body;
        }
        sleep(Duration::from_millis(20)).await;
    };
    insta::assert_snapshot!(body, @r#"{"missing":{"database":"the database refuses the account","schemas":"the database refuses the account"},"status":"starting"}"#);
}
