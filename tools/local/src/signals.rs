use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

use crate::{Error, process::Signal};

/// The signals that ask a program to end: Ctrl-C, `kill`, a closed terminal.
pub(crate) struct Stop {
    interrupt: Stream,
    terminate: Stream,
    hangup: Stream,
}

impl Stop {
    pub(crate) fn listen() -> Result<Self, Error> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    pub(crate) async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::INT,
            _ = self.terminate.recv() => Signal::TERM,
            _ = self.hangup.recv() => Signal::HUP,
        }
    }
}
