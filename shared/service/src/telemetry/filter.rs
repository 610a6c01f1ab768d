use std::fmt;
use std::str::FromStr;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::{LevelFilter, ParseError};

/// Dependencies that say much about themselves and little about us.
const NOISY: [&str; 8] = [
    "h2",
    "hyper",
    "hyper_util",
    "reqwest",
    "rustls",
    "sqlx",
    "tonic",
    "tower",
];

/// `LOG_LEVEL`: a level, or an `EnvFilter` such as `info,store=debug`.
#[derive(Debug, Clone)]
pub(crate) struct Filter(String);

#[derive(Debug)]
pub(crate) enum Unusable {
    /// `EnvFilter` would take a misspelt level for the name of a module and log nothing.
    NotALevel(String),
    Invalid(ParseError),
}

impl Filter {
    pub(crate) fn env_filter(&self) -> EnvFilter {
        EnvFilter::new(&self.0)
    }
}

impl Default for Filter {
    fn default() -> Self {
        Self(complete("info"))
    }
}

impl FromStr for Filter {
    type Err = Unusable;

    fn from_str(text: &str) -> Result<Self, Unusable> {
        if let Some(word) = bare_words(text).find(|word| word.parse::<LevelFilter>().is_err()) {
            return Err(Unusable::NotALevel(word.to_owned()));
        }
        let filter = complete(text);
        EnvFilter::try_new(&filter).map_err(Unusable::Invalid)?;
        Ok(Self(filter))
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotALevel(word) => write!(
                f,
                "{word} is not a level; use trace, debug, info, warn, error or off, \
                 and module=level for one module"
            ),
            Self::Invalid(error) => error.fmt(f),
        }
    }
}

/// Gives the whole a level where only modules are named, and keeps the noisy quiet unless they
/// are.
fn complete(text: &str) -> String {
    let level = bare_words(text)
        .filter_map(|word| word.parse::<LevelFilter>().ok())
        .next_back();
    let mut filter = text.to_owned();
    if level.is_none() {
        filter.push_str(",info");
    }
    if level.unwrap_or(LevelFilter::INFO) > LevelFilter::WARN {
        for name in NOISY.into_iter().filter(|name| !names(text, name)) {
            filter.extend([",", name, "=warn"]);
        }
    }
    filter
}

fn bare_words(text: &str) -> impl DoubleEndedIterator<Item = &str> {
    text.split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty() && !part.contains(['=', '[', ']', '{', '}']))
}

fn names(text: &str, module: &str) -> bool {
    text.split(',')
        .filter_map(|part| part.trim().strip_prefix(module))
        .any(|rest| rest.starts_with(['=', '[']) || rest.starts_with("::"))
}
