use std::fmt;
use std::str::FromStr;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::{LevelFilter, ParseError};

/// Dependencies that log much about themselves and little about the service.
const NOISY: [&str; 8] = ["h2", "hyper", "hyper_util", "reqwest", "rustls", "sqlx", "tonic", "tower"];

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

/// Adds a level for everything if only modules are named, and keeps the noisy dependencies quiet. The requested text
/// comes last, because the last directive for a module counts.
fn complete(text: &str) -> String {
    let level = bare_words(text)
        .filter_map(|word| word.parse::<LevelFilter>().ok())
        .next_back()
        .unwrap_or(LevelFilter::INFO);
    let mut filter = level.to_string();
    if level > LevelFilter::WARN {
        for name in NOISY {
            filter.extend([",", name, "=warn"]);
        }
    }
    filter.extend([",", text]);
    filter
}

fn bare_words(text: &str) -> impl DoubleEndedIterator<Item = &str> {
    text.split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty() && !part.contains(['=', '[', ']', '{', '}']))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn parsed(text: &str) -> String {
        text.parse::<Filter>().unwrap().env_filter().to_string()
    }

    #[test]
    fn a_misspelt_level_is_a_mistake() {
        for text in ["inof", "info,stroe", "store=inof"] {
            assert!(text.parse::<Filter>().is_err(), "{text}");
        }
        let why = "inof".parse::<Filter>().unwrap_err().to_string();
        assert!(why.starts_with("inof is not a level"), "{why}");
    }

    #[test]
    fn the_noisy_are_quiet_unless_named() {
        let filter = parsed("debug,sqlx::query=info,hyper=trace");
        assert!(filter.contains("tonic=warn"));
        assert!(filter.contains("hyper=trace") && !filter.contains("hyper=warn"));
        assert!(filter.contains("hyper_util=warn") && filter.contains("sqlx=warn"));
    }

    #[test]
    fn a_quiet_level_is_not_raised_for_the_noisy() {
        assert_eq!(parsed("error"), "error");
        assert_eq!(parsed("off"), "off");
    }

    #[test]
    fn naming_a_module_leaves_the_rest_as_it_was() {
        let filter = parsed("store=debug");
        assert!(filter.contains("store=debug") && filter.contains("info"));
    }
}
