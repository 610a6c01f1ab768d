use std::{
    fmt::Write,
    path::Path,
    process::{Output, Stdio},
    time::Duration,
};

use local::stack::{Environment, Part, Settings, Stack};
use tokio::process::Command;

use crate::markdown::Document;

/// The time limit of all commands of a document.
const PATIENCE: Duration = Duration::from_mins(1);

/// The parts that a document calls.
const CALLED: [Part; 7] =
    [Part::Ingest, Part::ProcessPush, Part::Admin, Part::BqFlush, Part::Pubsub, Part::Oidc, Part::Bigquery];

/// One call of curl, and its answer.
pub(crate) struct Call {
    /// The line of the fence that contains the call.
    pub(crate) fence: usize,
    pub(crate) status: u16,
    pub(crate) url: String,
    pub(crate) answer: String,
}

/// Runs all commands of a document in one shell, in which variables carry over. If a command waits until the time
/// limit, the recorded answers show the reason.
pub(crate) async fn run(document: &Document, stack: &Stack) -> (Result<(), String>, Vec<Call>) {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("script");
    std::fs::write(&script, text(document)).unwrap();
    let mut command = Command::new("bash");
    command
        .args(["-euo", "pipefail"])
        .arg(&script)
        .current_dir(folder.path())
        .env("CALLS", folder.path())
        .env("PORTS", ports(stack))
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let ended = match tokio::time::timeout(PATIENCE, command.output()).await {
        Err(_) => Err(format!("it took longer than {PATIENCE:?}")),
        Ok(output) => success(&output.unwrap()),
    };
    (ended, calls(folder.path()))
}

fn success(output: &Output) -> Result<(), String> {
    let told = String::from_utf8_lossy(&output.stderr);
    let failed = || format!("{}\n{told}", output.status);
    output.status.success().then_some(()).ok_or_else(failed)
}

fn text(document: &Document) -> String {
    let mut script = include_str!("curl.sh").to_owned();
    for fence in document.fences_in("bash") {
        write!(script, "FENCE={}\n{}", fence.line, fence.text).unwrap();
    }
    script
}

/// Pairs each port that the documents name with the port of this stack.
fn ports(stack: &Stack) -> String {
    let named = Settings::read(&Environment::default()).unwrap();
    let port = |settings: &Settings, part| settings.ports.of(part);
    let pairs = CALLED.map(|part| {
        let (named, here) = (port(&named, part), port(stack.settings(), part));
        format!("{named}={here}")
    });
    pairs.join(" ")
}

fn calls(folder: &Path) -> Vec<Call> {
    let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
    log.lines().map(call).collect()
}

fn call(line: &str) -> Call {
    let mut fields = line.split('\t');
    let mut next = || fields.next().unwrap();
    Call {
        fence: next().parse().unwrap(),
        answer: std::fs::read_to_string(next()).unwrap(),
        status: next().parse().unwrap(),
        url: next().to_owned(),
    }
}
