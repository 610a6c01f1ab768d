use std::{os::unix::process::ExitStatusExt, process::ExitStatus, sync::Arc, time::Duration};

use rustix::process::{Pid, kill_process, kill_process_group};
use tokio::process::{ChildStderr, ChildStdout, Command};

use super::Guard;
use crate::Error;

pub use rustix::process::Signal;

/// A running process in a group of its own.
pub struct Child {
    inner: tokio::process::Child,
    pid: Pid,
    end: Signal,
    guard: Arc<Guard>,
}

impl Child {
    /// Starts the process. The signal `end` asks it to end in order.
    pub fn spawn(mut command: Command, end: Signal, guard: Arc<Guard>) -> Result<Self, Error> {
        let program = command.as_std().get_program().to_owned();
        let inner = command
            .process_group(0)
            .spawn()
            .map_err(|error| format!("cannot start {}: {error}", program.display()))?;
        let pid = inner
            .id()
            .and_then(|id| Pid::from_raw(id.cast_signed()))
            .ok_or("a process that has just been started has no pid")?;
        guard.watch(pid, end)?;
        Ok(Self { inner, pid, end, guard })
    }

    pub fn pid(&self) -> u32 {
        self.pid.as_raw_pid().cast_unsigned()
    }

    /// The output of the process, if the command pipes it.
    pub fn output(&mut self) -> (Option<ChildStdout>, Option<ChildStderr>) {
        (self.inner.stdout.take(), self.inner.stderr.take())
    }

    pub async fn wait(&mut self) -> Result<ExitStatus, Error> {
        let status = self.inner.wait().await?;
        self.guard.forget(self.pid)?;
        Ok(status)
    }

    /// Asks the process to end, and kills it when `patience` is over.
    pub async fn stop(&mut self, patience: Duration) -> Result<ExitStatus, Error> {
        self.signal(self.end);
        let status = match tokio::time::timeout(patience, self.wait()).await {
            Ok(status) => status?,
            Err(_) => self.kill().await?,
        };
        // Its own child processes may still run, such as the Java of a launcher script.
        let _ = kill_process_group(self.pid, Signal::KILL);
        Ok(status)
    }

    pub async fn kill(&mut self) -> Result<ExitStatus, Error> {
        self.inner.start_kill()?;
        let _ = kill_process_group(self.pid, Signal::KILL);
        self.wait().await
    }

    /// A process that has just ended needs no signal, so an error is ignored.
    pub fn signal(&self, signal: Signal) {
        if self.inner.id().is_some() {
            let _ = kill_process(self.pid, signal);
        }
    }
}

/// Describes the end of a process.
pub fn ending(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "an unknown end".into(),
    }
}
