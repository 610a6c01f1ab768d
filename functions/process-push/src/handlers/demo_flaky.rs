use std::time::Duration;

use serde::Deserialize;

use crate::{Attempt, Failure, Handler};

/// Fails as its payload says, for a first look and for tests.
pub(super) struct DemoFlaky;

#[derive(Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[derive(Default)]
pub(super) struct Wish {
    /// Fails while the attempt number is at most this.
    fail_times: Option<u32>,
    /// Makes the failure permanent: at every attempt, or while its number is at most `fail_times`.
    permanent: bool,
    sleep_ms: u64,
    panic: bool,
    /// Kills the whole process, in builds with fault points.
    kill: bool,
}

impl Handler for DemoFlaky {
    async fn handle(&self, attempt: &mut Attempt) -> Result<(), Failure> {
        let wish: Wish = attempt.payload()?;
        wish.grant(attempt.number()).await
    }
}

impl Wish {
    pub(super) async fn grant(self, number: u32) -> Result<(), Failure> {
        tokio::time::sleep(Duration::from_millis(self.sleep_ms)).await;
        assert!(!self.panic, "the payload asked for a panic");
        if self.kill {
            return Err(kill());
        }
        if self.permanent && self.fail_times.is_none_or(|last| number <= last) {
            return Err(Failure::Permanent("the payload asked for a permanent failure".into()));
        }
        match self.fail_times {
            Some(last) if number <= last => Err(Failure::Retry(format!("failure {number} of {last}"))),
            _ => Ok(()),
        }
    }
}

#[cfg(debug_assertions)]
fn kill() -> Failure {
    service::fault::die("handler")
}

#[cfg(not(debug_assertions))]
fn kill() -> Failure {
    Failure::Permanent("this build has no fault points, so its process is not killed".into())
}
