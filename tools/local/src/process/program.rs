use std::{process::Command, time::Duration};

use super::Signal;
use crate::Error;

/// A process that the supervisor keeps running.
pub trait Program: Send + Sync + 'static {
    fn name(&self) -> &'static str;

    fn command(&self) -> Command;

    /// The signal that asks the process to end in order.
    fn end(&self) -> Signal {
        Signal::TERM
    }

    /// The time that the process may take to end.
    fn patience(&self) -> Duration {
        Duration::from_secs(10)
    }

    /// Runs before each start.
    fn before(&self) -> impl Future<Output = Result<(), Error>> + Send {
        async { Ok(()) }
    }

    /// Called repeatedly after each start until it returns true.
    fn is_ready(&self, pid: u32) -> impl Future<Output = bool> + Send;

    /// Runs each time the process becomes ready.
    fn equip(&self) -> impl Future<Output = Result<(), Error>> + Send {
        async { Ok(()) }
    }
}
