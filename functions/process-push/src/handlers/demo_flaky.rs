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
    fail_times: u32,
    permanent: bool,
    sleep_ms: u64,
    panic: bool,
}

impl Handler for DemoFlaky {
    async fn handle(&self, attempt: &mut Attempt) -> Result<(), Failure> {
        let wish: Wish = attempt.payload()?;
        tokio::time::sleep(Duration::from_millis(wish.sleep_ms)).await;
        assert!(!wish.panic, "the payload asked for a panic");
        if wish.permanent {
            return Err(Failure::Permanent("the payload asked for a permanent failure".into()));
        }
        if attempt.number() <= wish.fail_times {
            return Err(Failure::Retry(format!("failure {} of {}", attempt.number(), wish.fail_times)));
        }
        Ok(())
    }
}
