use std::io;
use std::thread;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::hard_end;
use crate::shutdown::Shutdown;

/// Requests a stop at SIGTERM or SIGINT. A separate thread waits for the signals and not the runtime, because the
/// runtime notices nothing while the worker that polls its sockets is in a handler that blocks. So the end is certain
/// from the signal on. The handlers stay for the life of the process: a second signal finds the stop requested and
/// changes nothing.
pub(crate) fn listen(shutdown: Shutdown) -> io::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGINT])?;
    thread::Builder::new().name("signals".into()).spawn(move || {
        for signal in signals.forever() {
            if shutdown.is_requested() {
                continue;
            }
            tracing::info!("{}: stopping", if signal == SIGTERM { "SIGTERM" } else { "SIGINT" });
            hard_end::arm(false);
            shutdown.request();
        }
    })?;
    Ok(())
}
