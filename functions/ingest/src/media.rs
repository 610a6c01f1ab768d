use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use service::Problem;

use crate::problems;

/// The media type that a body declares.
pub(crate) struct Media<'a> {
    given: &'a str,
    /// The type without its parameters, in lower case.
    pub(crate) essence: String,
    charset: Option<&'a str>,
}

impl<'a> Media<'a> {
    pub(crate) fn of(headers: &'a HeaderMap) -> Self {
        Self::read(headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or(""))
    }

    pub(crate) fn read(given: &'a str) -> Self {
        let mut parts = given.split(';').map(str::trim);
        let essence = parts.next().unwrap_or("").to_ascii_lowercase();
        let charset = parts
            .filter_map(|parameter| parameter.split_once('='))
            .find(|(name, _)| name.eq_ignore_ascii_case("charset"))
            .map(|(_, value)| value.trim_matches('"'));
        Self { given, essence, charset }
    }

    pub(crate) fn is_json(&self) -> bool {
        self.subtype() == "json" || self.subtype().ends_with("+json")
    }

    pub(crate) fn is_text(&self) -> bool {
        self.essence.starts_with("text/") || self.subtype() == "xml" || self.subtype().ends_with("+xml")
    }

    fn subtype(&self) -> &str {
        self.essence.split_once('/').map_or("", |(_, subtype)| subtype)
    }

    /// ASCII is part of UTF-8, and many clients write its name without the hyphen.
    pub(crate) fn is_utf_8(&self) -> bool {
        let is_one = |charset: &str| {
            ["utf-8", "utf8", "us-ascii"].iter().any(|name| charset.eq_ignore_ascii_case(name))
        };
        self.charset.is_none_or(is_one)
    }

    /// Refuses any other charset, because JSON has none.
    pub(crate) fn require_utf_8(&self) -> Result<(), Problem> {
        match self.charset {
            Some(charset) if !self.is_utf_8() => {
                Err(unsupported(format!("the charset must be utf-8, not {charset}")))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn refused(&self, wanted: &str) -> Problem {
        let told = if self.given.is_empty() { "it is missing" } else { self.given };
        unsupported(format!("Content-Type must be {wanted}: {told}"))
    }
}

fn unsupported(detail: String) -> Problem {
    problems::unsupported("Content-Type", detail)
}
