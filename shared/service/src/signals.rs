use std::io;

use tokio::signal::unix::{SignalKind, signal};

use crate::shutdown::Shutdown;

/// Requests a stop at SIGTERM or SIGINT. The handlers stay for the life of the process, so a
/// second signal finds the stop requested and changes nothing.
pub(crate) fn listen(shutdown: Shutdown) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => tracing::info!("SIGTERM: stopping"),
            _ = interrupt.recv() => tracing::info!("SIGINT: stopping"),
        }
        shutdown.request();
    });
    Ok(())
}
