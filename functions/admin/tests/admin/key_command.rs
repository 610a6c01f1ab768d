//! Tests `admin keys create` as a process: it prints the key, and nothing else.

use std::process::{Command, Output};

use door::ApiKey;
use store::testing::database;

use crate::harness::CLOSED_PORT;

fn keys(arguments: &[&str], database_url: Option<&str>) -> Output {
    Command::new(env!("CARGO_BIN_EXE_admin"))
        .arg("keys")
        .args(arguments)
        .env_clear()
        .envs(database_url.map(|url| ("DATABASE_URL", url)))
        .output()
        .unwrap()
}

fn refused(output: &Output) -> (i32, &str) {
    assert!(output.stdout.is_empty(), "{output:?}");
    (output.status.code().unwrap(), str::from_utf8(&output.stderr).unwrap().trim_end())
}

#[tokio::test]
async fn the_first_key_is_made_where_the_database_is_reachable() {
    let database = database().await;
    let output = keys(&["create", "--name", "the shop"], Some(&database.url));
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let key = ApiKey::parse(text.strip_suffix('\n').unwrap()).unwrap();
    let active = database.store.active_keys().await.unwrap();
    assert!(key.id() == active[0].id && key.has_hash(&active[0].hash));
    let entry = database.store.audit_log(None, 1).await.unwrap().remove(0);
    assert_eq!(
        (&*entry.actor, &*entry.action, entry.target.as_deref()),
        ("terminal", "key.create", Some(key.id()))
    );
    assert_eq!(database.store.key(key.id().into()).await.unwrap().unwrap().name, "the shop");
}

#[test]
fn what_is_not_asked_for_rightly_is_not_done() {
    let usage = "there is `admin keys create --name NAME`";
    for arguments in
        [&[][..], &["create"], &["create", "--name"], &["make", "--name", "a"], &["create", "--nam", "a"]]
    {
        assert_eq!(refused(&keys(arguments, None)), (2, &*format!("admin keys: unknown arguments; {usage}")));
    }
    let empty = format!("admin keys: that is no name for a key; {usage}");
    assert_eq!(refused(&keys(&["create", "--name", ""], None)), (2, &*empty));
    let told = "admin keys cannot start with this environment:\nDATABASE_URL: is not set";
    assert_eq!(refused(&keys(&["create", "--name", "a"], None)), (2, told));
}

#[test]
fn a_database_that_is_away_is_a_failure() {
    let url = format!("postgres://postgres:secret@{CLOSED_PORT}/eventflow");
    let output = keys(&["create", "--name", "a"], Some(&url));
    let (code, told) = refused(&output);
    assert!(code == 1 && told.starts_with("admin keys failed: the database is not available"), "{told}");
    assert!(!told.contains("secret"), "{told}");
}
