use std::{
    fs::{read_to_string, remove_file},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use crate::Error;

const PATIENCE: Duration = Duration::from_secs(10);

pub(super) fn lock(data: &Path) -> PathBuf {
    data.join("postmaster.pid")
}

/// Stops the server in `data` that an earlier, killed run has left. A stale lock file is removed: in a container its
/// process ID soon belongs to another process, and the server would take that process for a running server and refuse
/// to start.
pub(super) async fn stop(data: &Path) -> Result<(), Error> {
    let lock = lock(data);
    let Ok(text) = read_to_string(&lock) else {
        return Ok(());
    };
    let pid = text.lines().next().and_then(|line| line.trim().parse().ok());
    if let Some(pid) = pid.and_then(Pid::from_raw).filter(|pid| serves(*pid, data)) {
        end(pid).await?;
    }
    if lock.exists() {
        remove_file(lock)?;
    }
    Ok(())
}

async fn end(pid: Pid) -> Result<(), Error> {
    for signal in [Signal::INT, Signal::KILL] {
        kill_process(pid, signal)?;
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if test_kill_process(pid).is_err() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    Err(format!("an earlier PostgreSQL, pid {pid:?}, does not end").into())
}

/// Tells whether that process is a server of this data directory.
fn serves(pid: Pid, data: &Path) -> bool {
    let pid = pid.as_raw_pid().to_string();
    let output = Command::new("ps").args(["-o", "args=", "-p", &pid]).output();
    output.is_ok_and(|output| {
        String::from_utf8_lossy(&output.stdout).contains(&format!("-D {} ", data.display()))
    })
}
