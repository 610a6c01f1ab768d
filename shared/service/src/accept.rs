use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::Problem;

/// The media types that a caller accepts in an answer: RFC 9110's `Accept`.
#[derive(Debug)]
pub(crate) struct Accept(Vec<Range>);

#[derive(Debug)]
struct Range {
    kind: String,
    refused: bool,
}

const JSON: [&str; 2] = ["application/json", "application/problem+json"];

impl Accept {
    /// A caller that names no readable media type accepts any.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let lines = headers.get_all(ACCEPT).iter().filter_map(|line| line.to_str().ok());
        Self(lines.flat_map(|line| line.split(',')).filter_map(range).collect())
    }

    pub(crate) fn takes_json(&self) -> bool {
        JSON.iter().any(|kind| self.takes(kind))
    }

    pub(crate) fn takes_answer(&self, headers: &HeaderMap) -> bool {
        let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let kind = kind.and_then(|kind| kind.split(';').next()).map(str::trim);
        kind.is_none_or(|kind| if JSON.contains(&kind) { self.takes_json() } else { self.takes(kind) })
    }

    /// The most exact range that names the kind decides.
    fn takes(&self, kind: &str) -> bool {
        let all_of_it = kind.split_once('/').map(|(family, _)| format!("{family}/*"));
        let mut named = [Some(kind), all_of_it.as_deref(), Some("*/*")].into_iter().flatten();
        let decides = named.find_map(|name| self.0.iter().find(|range| range.kind == name));
        self.0.is_empty() || decides.is_some_and(|range| !range.refused)
    }
}

/// All parameters except `q` are ignored, because no answer of these services has variants that they could distinguish.
fn range(text: &str) -> Option<Range> {
    let mut parts = text.split(';').map(|part| part.trim().to_ascii_lowercase());
    let kind = parts.next().filter(|kind| kind.contains('/'))?;
    let weight = parts.find_map(|part| part.strip_prefix("q=").map(str::to_owned));
    let refused = weight.is_some_and(|weight| weight.parse() == Ok(0.0_f32));
    Some(Range { kind, refused })
}

pub(crate) fn not_acceptable() -> Problem {
    Problem::new(StatusCode::NOT_ACCEPTABLE, "the header Accept excludes what there is")
        .header(http::header::VARY, HeaderValue::from_static("accept"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn takes_json(lines: &[&'static str]) -> bool {
        let lines = lines.iter().map(|line| (ACCEPT, HeaderValue::from_static(line)));
        Accept::of(&lines.collect()).takes_json()
    }

    #[test]
    fn json_is_taken_by_its_name_its_family_and_by_who_takes_all() {
        for line in [
            "*/*",
            "application/*",
            "application/json",
            "APPLICATION/JSON; charset=utf-8",
            "application/problem+json",
            "text/html, application/xhtml+xml, */*;q=0.8",
            "text/html;q=0, application/json;q=0.001",
            "application/json, */*;q=0",
            "application/*;q=0, application/json",
            "",
            "json",
        ] {
            assert!(takes_json(&[line]), "{line:?}");
        }
        assert!(takes_json(&[]));
        assert!(takes_json(&["text/html", "application/json"]));
    }

    #[test]
    fn json_is_excluded_by_silence_and_by_a_weight_of_nothing() {
        for line in [
            "text/html",
            "application/xml, text/*",
            "*/*;q=0",
            "application/json;q=0, application/problem+json;q=0.0, */*",
            "application/*; q=0.000, text/html",
        ] {
            assert!(!takes_json(&[line]), "{line:?}");
        }
    }

    #[test]
    fn an_answer_is_taken_for_what_it_is() {
        let headers = |kind| HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(kind))]);
        let accept = Accept::of(&HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("text/html"))]));
        assert!(accept.takes_answer(&headers("text/html; charset=utf-8")));
        assert!(!accept.takes_answer(&headers("application/json")));
        assert!(accept.takes_answer(&HeaderMap::new()));
    }
}
