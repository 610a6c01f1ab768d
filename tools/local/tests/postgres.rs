//! `local postgres`: the server runs for the command, and never outlives it.
#![allow(clippy::unwrap_used)]

use std::{
    path::Path,
    process::{Child, Command, Output, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use sqlx::{Connection, PgConnection};

const LOCAL: &str = env!("CARGO_BIN_EXE_local");

fn local(arguments: &[&str], script: &str) -> Command {
    let mut command = Command::new(LOCAL);
    command
        .arg("postgres")
        .args(arguments)
        .args(["--", "sh", "-c", script])
        .env_remove("DATABASE_URL")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn run(arguments: &[&str], script: &str) -> Output {
    local(arguments, script).output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn is_open(url: &str) -> bool {
    let address = url.split(['@', '/']).nth(3).unwrap();
    std::net::TcpStream::connect(address).is_ok()
}

fn soon(what: &str, is_true: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_true() {
        assert!(Instant::now() < deadline, "not within 20 s: {what}");
        sleep(Duration::from_millis(20));
    }
}

/// Starts a command that writes its `DATABASE_URL` to a file and then waits.
fn waiting(folder: &Path) -> (Child, String) {
    let file = folder.join("url");
    let script = format!("echo $DATABASE_URL > {0}.new && mv {0}.new {0} && exec sleep 60", file.display());
    let child = local(&[], &script).spawn().unwrap();
    soon("the command runs", || file.exists());
    let url = std::fs::read_to_string(file).unwrap();
    (child, url.trim().into())
}

#[tokio::test]
async fn the_command_finds_a_server_which_ends_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let (mut child, url) = waiting(folder.path());
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let settings = "SELECT current_setting('is_superuser'), current_setting('server_encoding')";
    let found: (String, String) = sqlx::query_as(settings).fetch_one(&mut connection).await.unwrap();
    assert_eq!(found, ("on".into(), "UTF8".into()));

    let pid = child.id().to_string();
    let kill = Command::new("kill").args(["-s", "TERM", &pid]).status();
    assert!(kill.unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(128 + 15));
    assert!(!is_open(&url), "the server outlived its command");
}

#[test]
fn the_exit_code_is_the_commands_own() {
    assert_eq!(run(&[], "exit 7").status.code(), Some(7));
}

#[test]
fn a_server_does_not_outlive_a_host_that_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let (mut child, url) = waiting(folder.path());
    assert!(is_open(&url));
    child.kill().unwrap();
    child.wait().unwrap();
    soon("the guard ends the server", || !is_open(&url));
}

#[test]
fn a_database_url_that_is_given_is_passed_on() {
    let output =
        local(&[], "echo $DATABASE_URL").env("DATABASE_URL", "postgres://elsewhere/given").output().unwrap();
    assert_eq!(out(&output), "postgres://elsewhere/given");
    assert!(err(&output).contains("DATABASE_URL"), "{}", err(&output));
}

#[test]
fn a_version_that_is_not_installed_is_named_or_skipped() {
    let output = run(&["--version", "3"], "echo ran");
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("PostgreSQL 3 is not installed"));

    let output = run(&["--version", "3", "--if-installed"], "echo ran");
    assert_eq!((output.status.code(), out(&output).as_str()), (Some(0), ""));
    assert!(err(&output).contains("skipped"));
}
