//! Log lines on stdout: JSON for Cloud Logging, or text for people.

mod filter;
mod json;
mod lines;
mod panic;
mod text;

use std::io::{IsTerminal, stdout};
use std::str::FromStr;

use tracing::Subscriber;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::Registry;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

use crate::env::{Env, Noted};
use filter::Filter;
pub(crate) use lines::{FlushAtEnd, flush};

pub(crate) struct Telemetry {
    filter: Filter,
    format: Format,
    colours: bool,
    project: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Json,
    Text,
}

impl FromStr for Format {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "json" => Ok(Self::Json),
            "text" => Ok(Self::Text),
            _ => Err("must be json or text"),
        }
    }
}

impl Telemetry {
    pub(crate) fn read(env: &mut Env) -> Result<Self, Noted> {
        let terminal = stdout().is_terminal();
        let natural = if terminal { Format::Text } else { Format::Json };
        let filter = env.or("LOG_LEVEL", Filter::default());
        let format = env.or("LOG_FORMAT", natural);
        let project = env.optional("GOOGLE_CLOUD_PROJECT");
        Ok(Self { filter: filter?, format: format?, colours: terminal, project: project? })
    }

    /// Sends everything that this process logs from here on to stdout.
    pub(crate) fn start(self) -> Result<(), TryInitError> {
        self.subscriber(lines::to_stdout()).try_init()?;
        panic::log_panics();
        Ok(())
    }

    fn subscriber<M>(self, writer: M) -> impl Subscriber + Send + Sync
    where
        M: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
    {
        let lines: Box<dyn Layer<_> + Send + Sync> = match self.format {
            Format::Text => Box::new(text::layer(writer, self.colours)),
            Format::Json => Box::new(json::layer(writer, self.project)),
        };
        Registry::default().with(self.filter.env_filter()).with(lines)
    }
}

#[cfg(test)]
mod tests;
