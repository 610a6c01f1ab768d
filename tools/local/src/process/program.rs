use std::{process::Command, time::Duration};

use super::Signal;
use crate::Error;

/// A process that is kept running.
pub trait Program: Send + Sync + 'static {
    fn name(&self) -> &'static str;

    fn command(&self) -> Command;

    /// The signal that asks it to end in order.
    fn end(&self) -> Signal {
        Signal::TERM
    }

    /// How long it may take to end.
    fn patience(&self) -> Duration {
        Duration::from_secs(10)
    }

    /// Before each start.
    fn before(&self) -> impl Future<Output = Result<(), Error>> + Send {
        async { Ok(()) }
    }

    /// Asked again and again after each start, until it says yes.
    fn is_ready(&self, pid: u32) -> impl Future<Output = bool> + Send;

    /// What has to be done anew each time it is ready.
    fn equip(&self) -> impl Future<Output = Result<(), Error>> + Send {
        async { Ok(()) }
    }
}
