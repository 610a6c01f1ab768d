//! Tests `admin adopt` as a process. Its effect on a database is tested together with a BigQuery, in the tests of the
//! tools.

use std::process::{Command, Output};

use store::testing::database;

use crate::harness::CLOSED_PORT;

fn adopt(arguments: &[&str], env: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_admin"));
    command.arg("adopt").args(arguments).env_clear().envs(env.iter().copied()).output().unwrap()
}

fn refused(output: &Output) -> (i32, &str) {
    assert!(output.stdout.is_empty(), "{output:?}");
    (output.status.code().unwrap(), str::from_utf8(&output.stderr).unwrap().trim_end())
}

#[test]
fn what_is_not_asked_for_rightly_is_not_done() {
    let usage = "admin adopt: unknown arguments; there is `admin adopt [--no-other-database-loads]`";
    for arguments in [&["--yes"][..], &["--no-other-database-loads", "now"]] {
        assert_eq!(refused(&adopt(arguments, &[])), (2, usage));
    }
    let told = "admin adopt cannot start with this environment:\nDATABASE_URL: is not set\nGOOGLE_CLOUD_PROJECT: is not set";
    assert_eq!(refused(&adopt(&["--no-other-database-loads"], &[])), (2, told));
}

#[tokio::test]
async fn without_bigquery_nothing_changes_and_the_next_try_is_free() {
    let database = database().await;
    let env = [
        ("DATABASE_URL", database.url.as_str()),
        ("GOOGLE_CLOUD_PROJECT", "p"),
        ("BIGQUERY_EMULATOR_HOST", CLOSED_PORT),
    ];
    let before: String = database.value("SELECT string_agg(c::text, '|') FROM cursors c").await;
    for _ in 0..2 {
        let output = adopt(&["--no-other-database-loads"], &env);
        let (code, told) = refused(&output);
        assert!(code == 1 && told.starts_with("admin adopt failed: could not find out"), "{told}");
    }
    assert_eq!(database.value::<String>("SELECT string_agg(c::text, '|') FROM cursors c").await, before);
}
