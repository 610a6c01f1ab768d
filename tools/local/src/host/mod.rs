//! `make run`: the stack for a user at a terminal.

mod console;
mod lock;
mod printed;
mod reset;

use std::time::Instant;

use crate::{
    Error,
    signals::Stop,
    stack::{Environment, Options, Settings, Stack},
};
use lock::Lock;

pub use reset::reset;

/// The folder of all data of a run. Git ignores it.
const FOLDER: &str = ".local";

/// Runs until a signal asks it to end.
pub async fn run() -> Result<(), Error> {
    let start = Instant::now();
    let here = std::env::current_dir()?;
    let environment = Environment::with_file(&here)?;
    let tell = console::tell(environment.get("LOG_LEVEL"));
    let settings = Settings::read(&environment)?;
    let folder = here.join(FOLDER);
    let _lock = Lock::take(&folder)?;
    let options = Options::kept(folder, settings, tell)?;
    options.check_ports()?;

    let mut stop = Stop::listen()?;
    let mut stack = Stack::new(options)?;
    let ran = tokio::select! {
        up = stack.up() => up.map(|()| true),
        _ = stop.next() => Ok(false),
    };
    if let Ok(true) = ran {
        console::ready(&stack, start.elapsed());
        stop.next().await;
    }
    end(stack, stop).await?;
    ran.map(|_| ())
}

/// A second Ctrl-C ends the remaining processes at once.
async fn end(stack: Stack, mut stop: Stop) -> Result<(), Error> {
    let supervisor = stack.supervisor().clone();
    let stopping = stack.stop();
    tokio::pin!(stopping);
    loop {
        tokio::select! {
            ended = &mut stopping => return ended,
            _ = stop.next() => supervisor.hurry(),
        }
    }
}
