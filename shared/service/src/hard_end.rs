use std::process;
use std::thread;
use std::time::Duration;

use crate::telemetry;

/// The limit is half a second before Cloud Run would kill the process.
const LIMIT: Duration = Duration::from_millis(9500);

/// Ends the process for certain, whatever still runs by then. A separate thread does it, because the runtime itself may
/// hang: on a handler that blocks, or on a name look-up that the runtime waits for.
pub(crate) fn arm(failed: bool) {
    let code = i32::from(failed);
    thread::spawn(move || {
        thread::sleep(LIMIT);
        tracing::warn!("out of time, ending with work undone");
        telemetry::flush();
        process::exit(code)
    });
}
