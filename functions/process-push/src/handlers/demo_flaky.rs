use std::time::Duration;

use serde::Deserialize;

use crate::{Attempt, Failure, Handler};

/// Fails as its payload says: for a first look, and for tests.
pub(super) struct DemoFlaky;

#[derive(Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[derive(Default)]
struct Wish {
    /// Fails while the attempt number is at most this.
    fail_times: Option<u32>,
    /// Fails for good: at every attempt, or while its number is at most `fail_times`.
    permanent: bool,
    sleep_ms: u64,
    panic: bool,
}

impl Handler for DemoFlaky {
    async fn handle(&self, attempt: &mut Attempt) -> Result<(), Failure> {
        let wish: Wish = attempt.payload()?;
        tokio::time::sleep(Duration::from_millis(wish.sleep_ms)).await;
        assert!(!wish.panic, "the payload asked for a panic");
        let (number, last_to_fail) = (attempt.number(), wish.fail_times);
        if wish.permanent && last_to_fail.is_none_or(|last| number <= last) {
            return Err(Failure::Permanent("the payload asked for a permanent failure".into()));
        }
        match last_to_fail {
            Some(last) if number <= last => Err(Failure::Retry(format!("failure {number} of {last}"))),
            _ => Ok(()),
        }
    }
}
