//! Tests `admin migrate` as a process that ends. A deployment sees its exit code and its output.

use std::process::{Command, Output};

use store::testing::empty_database;

use crate::harness::CLOSED_PORT;

fn admin(arguments: &[&str], database_url: Option<&str>) -> Output {
    Command::new(env!("CARGO_BIN_EXE_admin"))
        .args(arguments)
        .env_clear()
        .envs(database_url.map(|url| ("DATABASE_URL", url)))
        .output()
        .unwrap()
}

/// Returns the exit code, the standard output and the standard error.
fn said(output: &Output) -> (i32, &str, &str) {
    let text = |bytes| str::from_utf8(bytes).unwrap().trim_end();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

#[tokio::test]
async fn an_empty_database_is_brought_up_to_date_and_stays_so() {
    let url = empty_database().await;
    let first = admin(&["migrate"], Some(&url));
    assert_eq!(said(&first), (0, "the database is up to date; partitions made: 18", ""));
    let second = admin(&["migrate"], Some(&url));
    assert_eq!(said(&second), (0, "the database is up to date; partitions made: 0", ""));
}

#[test]
fn a_database_that_is_away_is_a_failure() {
    let url = format!("postgres://postgres:secret@{CLOSED_PORT}/eventflow");
    let output = admin(&["migrate"], Some(&url));
    let (code, out, error) = said(&output);
    assert_eq!((code, out), (1, ""));
    assert!(error.starts_with("admin migrate failed: the database is not available"), "{error}");
    assert!(!error.contains("secret"), "{error}");
}

#[test]
fn a_wrong_environment_is_another_failure() {
    let start = "admin migrate cannot start with this environment:";
    let unset = admin(&["migrate"], None);
    assert_eq!(said(&unset), (2, "", &*format!("{start}\nDATABASE_URL: is not set")));
    let nonsense = admin(&["migrate"], Some("localhost"));
    let told =
        format!("{start}\nDATABASE_URL: must be a URL such as postgres://user:password@host:5432/database");
    assert_eq!(said(&nonsense), (2, "", &*told));
}

#[test]
fn an_unknown_command_is_told() {
    let output = admin(&["migrat"], None);
    assert_eq!(
        said(&output),
        (2, "", "admin: unknown command `migrat`; there are `migrate`, `adopt`, `keys`, and none to serve")
    );
}
