//! A supervised program is kept running until it is stopped. After that, no process of it is left.
#![allow(clippy::unwrap_used)]

use std::{
    path::Path,
    process::Command,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use local::process::{Line, Program, Supervised, Supervisor, Tell};

/// A shell script that is ready when it has written its own pid to a file.
struct Script {
    text: String,
    file: std::path::PathBuf,
}

impl Program for Script {
    fn name(&self) -> &'static str {
        "script"
    }

    fn command(&self) -> Command {
        let mut command = Command::new("sh");
        command.arg("-c").arg(&self.text);
        command
    }

    async fn is_ready(&self, pid: u32) -> bool {
        std::fs::read_to_string(&self.file).is_ok_and(|text| text.trim() == pid.to_string())
    }
}

struct Bench {
    folder: tempfile::TempDir,
    supervisor: Arc<Supervisor>,
    told: Arc<Mutex<Vec<String>>>,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let told = Arc::new(Mutex::new(Vec::new()));
        let written = told.clone();
        let tell: Tell = Arc::new(move |name, line| {
            let text = match line {
                Line::News(text) => text,
                Line::Printed(text) => format!("printed {text}"),
            };
            written.lock().unwrap().push(format!("{name} {text}"));
        });
        let supervisor = Supervisor::new(folder.path().join("logs"), tell).unwrap();
        Self { folder, supervisor, told }
    }

    fn supervise(&self, script: &str) -> Supervised {
        let file = self.folder.path().join("pid");
        let text = script.replace("READY", &format!("echo $$ > {}", file.display()));
        self.supervisor.supervise(Script { text, file }).unwrap()
    }

    fn told(&self, what: &str) -> bool {
        self.told.lock().unwrap().iter().any(|line| line.contains(what))
    }
}

fn is_there(pid: u32) -> bool {
    let args = ["-o", "stat=", "-p", &pid.to_string()];
    let output = Command::new("ps").args(args).output().unwrap();
    let state = String::from_utf8(output.stdout).unwrap();
    !state.trim().is_empty() && !state.starts_with('Z')
}

fn kill(pid: u32) {
    let status = Command::new("kill").args(["-9", &pid.to_string()]).status();
    assert!(status.unwrap().success());
}

async fn soon(what: &str, is_true: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !is_true() {
        assert!(Instant::now() < deadline, "not within 10 s: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn number_in(path: &Path) -> u32 {
    std::fs::read_to_string(path).unwrap().trim().parse().unwrap()
}

#[tokio::test]
async fn who_dies_is_started_again_until_it_is_stopped() {
    let bench = Bench::new();
    let supervised = bench.supervise("READY; exec sleep 60");
    supervised.ready().await.unwrap();
    let first = supervised.pid().unwrap();

    kill(first);
    soon("another one", || supervised.pid().is_some_and(|pid| pid != first)).await;
    assert!(bench.told("script died (signal 9) and is started again"));

    let second = supervised.pid().unwrap();
    supervised.stop().await.unwrap();
    assert!(!is_there(second));
}

#[tokio::test]
async fn who_cannot_start_is_not_tried_again_and_its_last_words_are_told() {
    let bench = Bench::new();
    let supervised = bench.supervise("echo PORT is not a number >&2; exit 2");
    let error = supervised.ready().await.unwrap_err().to_string();
    assert!(error.contains("exit code 2") && error.contains("PORT is not a number"), "{error}");
    let log = bench.folder.path().join("logs/script.log");
    assert_eq!(std::fs::read_to_string(log).unwrap(), "PORT is not a number\n");
    supervised.stop().await.unwrap();
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named() {
    let bench = Bench::new();
    let supervised = bench.supervise("exec /no/such/program");
    let error = supervised.ready().await.unwrap_err().to_string();
    assert!(error.contains("/no/such/program"), "{error}");
}

#[tokio::test]
async fn who_is_taken_away_stays_away_until_it_is_given_back() {
    let bench = Bench::new();
    let supervised = bench.supervise("READY; exec sleep 60");
    supervised.ready().await.unwrap();
    let first = supervised.pid().unwrap();

    supervised.take_away().await.unwrap();
    assert!(!is_there(first));
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(supervised.pid(), None);

    supervised.restart().await.unwrap();
    let second = supervised.pid().unwrap();
    assert!(is_there(second) && second != first);
    supervised.stop().await.unwrap();
}

#[tokio::test]
async fn who_does_not_listen_is_killed_when_there_is_no_more_time() {
    let bench = Bench::new();
    let supervised = bench.supervise("trap '' TERM; READY; while true; do sleep 0.1; done");
    supervised.ready().await.unwrap();
    let pid = supervised.pid().unwrap();

    let start = Instant::now();
    bench.supervisor.hurry();
    supervised.stop().await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(5));
    assert!(!is_there(pid));
}

#[tokio::test]
async fn what_it_has_started_itself_ends_too() {
    let bench = Bench::new();
    let grandchild = bench.folder.path().join("grandchild");
    let script = format!("sleep 60 & echo $! > {}; READY; wait", grandchild.display());
    let supervised = bench.supervise(&script);
    supervised.ready().await.unwrap();
    let pid = number_in(&grandchild);
    assert!(is_there(pid));

    supervised.stop().await.unwrap();
    soon("it is gone", || !is_there(pid)).await;
}

#[tokio::test]
async fn nothing_is_told_once_all_of_it_ends() {
    let bench = Bench::new();
    let supervised =
        bench.supervise("trap 'echo farewell; exit 1' TERM; READY; while true; do sleep 0.1; done");
    supervised.ready().await.unwrap();
    bench.supervisor.end();
    supervised.stop().await.unwrap();
    let log = bench.folder.path().join("logs/script.log");
    soon("it is logged", || std::fs::read_to_string(&log).unwrap().contains("farewell")).await;
    assert!(!bench.told("farewell") && !bench.told("died"));
}
