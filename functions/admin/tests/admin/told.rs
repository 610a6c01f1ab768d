use std::fmt::Write;

use axum::http::StatusCode;
use insta::internals::{Content, ContentPath};
use serde_json::Value;

use crate::harness::Service;

impl Service {
    /// Returns the answer of a search to each of these queries, one on each line. All queries must be refused.
    pub(crate) async fn refusals(&self, path: &str, queries: &[&str]) -> String {
        let mut all = String::new();
        for query in queries {
            let answer = self.get(&format!("{path}?{query}")).await;
            let problem = answer.problem(StatusCode::BAD_REQUEST);
            let field = match &problem["field"] {
                Value::Null => "-",
                field => field.as_str().unwrap(),
            };
            writeln!(all, "{query} | {field} | {}", problem["detail"].as_str().unwrap()).unwrap();
        }
        all
    }
}

/// Checks a time in a snapshot and hides it. The types of the arguments are those that insta passes.
#[allow(clippy::needless_pass_by_value)]
pub(crate) fn time(value: Content, path: ContentPath<'_>) -> Content {
    let Some(text) = value.as_str() else {
        return value;
    };
    let is_time = text.len() == "2026-01-31T12:00:00.000Z".len()
        && text.ends_with('Z')
        && chrono::DateTime::parse_from_rfc3339(text).is_ok();
    assert!(is_time, "{path}: {text}");
    "[time]".into()
}
