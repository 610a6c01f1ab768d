//! Tests a service as a separate process: its output, its exit code, and that it ends.
//!
//! This test has no harness: if it is called with the name of a kind of service, it is that service.
#![allow(clippy::unwrap_used)]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use service::{App, Env, Noted, Readiness, Shutdown};

/// The longest time that a sound service takes for any request in this test.
const LONGEST: Duration = Duration::from_secs(5);

type Check = (&'static str, fn());

const CHECKS: [Check; 11] = [
    ("every mistake is told before a port is bound", mistakes),
    ("a taken port is named", taken_port),
    ("health is there at once", health),
    ("a paused service starts nothing and has everybody come again", paused),
    ("a stop lets the last answer out and runs what is due", stop),
    ("a second signal changes nothing", second_signal),
    ("a service whose main task died fails", dead_task),
    ("running out of files ends nothing", out_of_files),
    ("ten thousand idle connections leave room for others", idle_crowd),
    ("no request keeps a process beyond its end", || hard_end("/stuck")),
    ("nothing that the runtime waits for keeps it either", || hard_end("/beside")),
];

fn main() -> ExitCode {
    if let Some(kind) = std::env::args().nth(1).filter(|kind| kind.starts_with("be-")) {
        return be(&kind);
    }
    let running = CHECKS.map(|(name, check)| (name, thread::spawn(check)));
    let failed = running
        .into_iter()
        .filter_map(|(name, check)| check.join().err().map(|_| name))
        .inspect(|name| eprintln!("FAILED: {name}"))
        .count();
    println!("{} checks, {failed} failed", CHECKS.len());
    ExitCode::from(u8::from(failed > 0))
}

#[tokio::main]
async fn be(kind: &str) -> ExitCode {
    service::run("sample", read, async |_, shutdown| Ok(start(kind, shutdown))).await
}

fn read(env: &mut Env) -> Result<String, Noted> {
    env.required("DATABASE_URL")
}

fn start(kind: &str, shutdown: Shutdown) -> App {
    let router = Router::new()
        .route("/slow", get(async || tokio::time::sleep(Duration::from_millis(600)).await))
        .route("/stuck", get(async || sleep(Duration::from_mins(1))))
        .route("/beside", get(async || drop(tokio::task::spawn_blocking(|| sleep(Duration::from_mins(1))))));
    let app = App::new(router, Readiness::waiting_for(&[]));
    match kind {
        "be-dying" => app.depends_on("writer", tokio::spawn(async { panic!("writer broke") })),
        _ => app
            .depends_on("writer", tokio::spawn(async move { shutdown.requested().await }))
            .on_drained(async { tracing::info!("the last words") }),
    }
}

/// A sample service, and its port.
struct Sample {
    child: Child,
    port: u16,
}

impl Drop for Sample {
    fn drop(&mut self) {
        // The process has already ended unless a check failed, and then its exit status does not matter.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Sample {
    fn spawn(kind: &str, port: u16) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        Self::from(command.arg(kind), port)
    }

    fn from(command: &mut Command, port: u16) -> Self {
        let child = command
            .env_clear()
            .envs([("HOST", "127.0.0.1"), ("DATABASE_URL", "postgres://x")])
            .env("PORT", port.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self { child, port }
    }

    fn start() -> Self {
        let sample = Self::spawn("be-sound", free_port());
        sample.ask("/health");
        sample
    }

    fn connect(&self) -> TcpStream {
        let deadline = Instant::now() + LONGEST;
        loop {
            match TcpStream::connect(("127.0.0.1", self.port)) {
                Ok(stream) => {
                    stream.set_read_timeout(Some(LONGEST)).unwrap();
                    return stream;
                }
                Err(error) => assert!(Instant::now() < deadline, "{error}"),
            }
            sleep(Duration::from_millis(2));
        }
    }

    fn send(&self, path: &str) -> TcpStream {
        let mut stream = self.connect();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        stream
    }

    fn ask(&self, path: &str) -> String {
        answer(&mut self.send(path))
    }

    fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// Returns the exit code and the log.
    fn end(&mut self) -> (Option<i32>, String) {
        let mut log = String::new();
        let mut stdout = self.child.stdout.take().unwrap();
        stdout.read_to_string(&mut log).unwrap();
        (self.child.wait().unwrap().code(), log)
    }
}

fn answer(stream: &mut TcpStream) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// The kernel would give one of those that it also gives to outgoing connections, and one check opens ten thousand of them.
fn free_port() -> u16 {
    static TAKEN: AtomicU16 = AtomicU16::new(0);
    let first = 20_000 + u16::try_from(std::process::id() % 100).unwrap() * 100;
    loop {
        let port = first + TAKEN.fetch_add(1, Ordering::Relaxed);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

fn mistakes() {
    let output = Command::new(std::env::current_exe().unwrap())
        .arg("be-sound")
        .env_clear()
        .envs([("PORT", "eighty"), ("LOG_LEVEL", "inof"), ("MAX_CONNECTIONS", "0")])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8(output.stderr).unwrap();
    for name in ["PORT: ", "LOG_LEVEL: ", "MAX_CONNECTIONS: ", "DATABASE_URL: "] {
        assert!(told.lines().any(|line| line.starts_with(name)), "{told}");
    }
}

fn taken_port() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let (code, log) = Sample::spawn("be-sound", port).end();
    assert_eq!(code, Some(1));
    assert!(log.contains(&format!("port {port} is taken")), "{log}");
}

fn health() {
    let start = Instant::now();
    let mut sample = Sample::spawn("be-sound", free_port());
    let answer = sample.ask("/health");
    let took = start.elapsed();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    // It takes 100 ms if nothing else runs, but other work may run here.
    assert!(took < LONGEST, "{took:?}");
    sample.signal("INT");
    assert_eq!(sample.end().0, Some(0));
}

fn paused() {
    // The main task of this kind fails at once where it is started.
    let mut command = Command::new("/usr/bin/env");
    command.arg("PAUSED=true").arg(std::env::current_exe().unwrap()).arg("be-dying");
    let mut sample = Sample::from(&mut command, free_port());
    assert!(["/health", "/ready"].iter().all(|path| sample.ask(path).starts_with("HTTP/1.1 200")));
    for path in ["/", "/slow", "/events/1?a=b"] {
        let answer = sample.ask(path);
        assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
        assert!(answer.contains("retry-after: 30") && answer.contains("PAUSED=true"), "{answer}");
    }
    sample.signal("TERM");
    let (code, log) = sample.end();
    assert!(code == Some(0) && log.contains("sample is paused"), "{log}");
}

fn stop() {
    let mut sample = Sample::start();
    let mut asked = sample.send("/slow");
    sleep(Duration::from_millis(200));
    sample.signal("TERM");
    let answer = answer(&mut asked);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let (code, log) = sample.end();
    assert_eq!(code, Some(0));
    assert!(log.contains("the last words"), "{log}");
    assert!(log.lines().all(|line| line.starts_with('{')), "{log}");
}

fn second_signal() {
    let mut sample = Sample::start();
    let mut asked = sample.send("/slow");
    for name in ["TERM", "TERM", "INT"] {
        sleep(Duration::from_millis(100));
        sample.signal(name);
    }
    let answer = answer(&mut asked);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(sample.end().0, Some(0));
}

fn dead_task() {
    let (code, log) = Sample::spawn("be-dying", free_port()).end();
    assert_eq!(code, Some(1));
    assert!(log.contains("writer broke"), "{log}");
    assert!(log.contains("writer ended"), "{log}");
}

fn out_of_files() {
    let itself = std::env::current_exe().unwrap();
    let mut few = Command::new("/bin/sh");
    few.args(["-c", "ulimit -n 24; exec \"$0\" be-sound"]).arg(itself);
    let mut sample = Sample::from(&mut few, free_port());
    let many: Vec<_> = (0..40).map(|_| sample.connect()).collect();
    sleep(Duration::from_secs(1));
    drop(many);
    assert!(sample.ask("/health").starts_with("HTTP/1.1 200"));
    sample.signal("TERM");
    let (code, log) = sample.end();
    assert_eq!(code, Some(0));
    // A busy loop would have logged the same message thousands of times.
    assert!((1..20).contains(&log.matches("cannot accept").count()), "{log}");
}

/// Opens as many connections as this machine allows one process, up to ten thousand.
fn idle_crowd() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }).unwrap();
    let files = limit.maximum.map_or(usize::MAX, |files| usize::try_from(files).unwrap());
    let many = files.saturating_sub(500).min(10_000);
    let mut sample = Sample::start();
    let mut idle = Vec::with_capacity(many);
    for count in 1..=many {
        idle.push(sample.connect());
        if count % 1000 == 0 {
            assert!(sample.ask("/health").starts_with("HTTP/1.1 200"), "after {count}");
        }
    }
    println!("{many} idle connections");
    sample.signal("TERM");
    let (code, log) = sample.end();
    assert_eq!(code, Some(0));
    // There is one line for all of them.
    assert_eq!(log.matches("more connections than places").count(), 1, "{log}");
}

fn hard_end(path: &str) {
    let mut sample = Sample::start();
    let _stuck = sample.send(path);
    sleep(Duration::from_millis(200));
    let start = Instant::now();
    sample.signal("TERM");
    let (code, log) = sample.end();
    let took = start.elapsed();
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert!(log.contains("out of time, ending with work undone"), "{log}");
}
