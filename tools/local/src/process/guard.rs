use std::{
    collections::BTreeMap,
    io::{BufRead, Write},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{ChildStdin, Command, Stdio},
    sync::{Mutex, PoisonError},
    thread::sleep,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process};

use crate::Error;

const PATIENCE: Duration = Duration::from_secs(10);

/// The host's end of a pipe to a guard process. If the host is killed, the pipe closes, and the guard ends the
/// processes that the host had started. Nothing else would end them.
pub struct Guard {
    pipe: Mutex<ChildStdin>,
    process: Option<std::process::Child>,
}

impl Guard {
    pub fn start() -> Result<Self, Error> {
        let binary = super::binaries()?.join("local");
        let mut process = Command::new(&binary)
            .arg("guard")
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(|error| format!("cannot start {}: {error}", binary.display()))?;
        let pipe = process.stdin.take().ok_or("the guard has no stdin")?;
        Ok(Self { pipe: Mutex::new(pipe), process: Some(process) })
    }

    pub(super) fn watch(&self, pid: Pid, end: Signal) -> Result<(), Error> {
        self.tell(&format!("watch {} {}", pid.as_raw_pid(), end.as_raw()))
    }

    pub(super) fn forget(&self, pid: Pid) -> Result<(), Error> {
        self.tell(&format!("forget {}", pid.as_raw_pid()))
    }

    /// The guard removes this folder when the host is gone.
    pub fn remove(&self, folder: &Path) -> Result<(), Error> {
        self.tell(&format!("remove {}", folder.display()))
    }

    fn tell(&self, line: &str) -> Result<(), Error> {
        let mut pipe = self.pipe.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(pipe, "{line}").map_err(|error| format!("the guard is gone: {error}").into())
    }
}

impl Drop for Guard {
    /// The guard ends at once if no process is left to watch, and otherwise after it has ended them. It would be a
    /// zombie until it is waited for, so a thread waits for it.
    fn drop(&mut self) {
        let _ = self.tell("done");
        if let Some(mut process) = self.process.take() {
            std::thread::spawn(move || process.wait());
        }
    }
}

/// The work of the guard process.
pub fn stand_guard(input: impl BufRead) {
    let mut running = BTreeMap::new();
    let mut folders = Vec::new();
    for line in input.lines().map_while(Result::ok) {
        match order(&line) {
            Some(Order::Watch(pid, end)) => _ = running.insert(pid, end),
            Some(Order::Forget(pid)) => _ = running.remove(&pid),
            Some(Order::Remove(folder)) => folders.push(folder),
            None => break,
        }
    }
    end(&running);
    for folder in folders {
        let _ = std::fs::remove_dir_all(folder);
    }
}

enum Order {
    Watch(i32, i32),
    Forget(i32),
    Remove(PathBuf),
}

fn order(line: &str) -> Option<Order> {
    let (verb, rest) = line.split_once(' ')?;
    match verb {
        "watch" => {
            let (pid, end) = rest.split_once(' ')?;
            Some(Order::Watch(pid.parse().ok()?, end.parse().ok()?))
        }
        "forget" => Some(Order::Forget(rest.parse().ok()?)),
        "remove" => Some(Order::Remove(rest.into())),
        _ => None,
    }
}

/// No one reads errors here, and after an error the other processes have to end too.
fn end(running: &BTreeMap<i32, i32>) {
    let processes = || running.iter().filter_map(|(pid, end)| Some((Pid::from_raw(*pid)?, *end)));
    for (pid, end) in processes() {
        if let Some(end) = Signal::from_named_raw(end) {
            let _ = kill_process(pid, end);
        }
    }
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline && processes().any(|(pid, _)| test_kill_process(pid).is_ok()) {
        sleep(Duration::from_millis(50));
    }
    for (pid, _) in processes() {
        let _ = kill_process_group(pid, Signal::KILL);
    }
}
