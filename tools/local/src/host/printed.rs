use serde::Deserialize;
use serde_json::Value;

/// The importance of a line that a process printed.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Level {
    Detail,
    /// The one line that tells the result of processing an event.
    Event,
    Warning,
    Error,
}

/// A line in the form for a terminal.
#[derive(Debug, PartialEq)]
pub(super) struct Printed {
    pub(super) level: Level,
    pub(super) text: String,
}

/// The log format of Cloud Logging, which the services print.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    severity: String,
    #[serde(default)]
    message: String,
    error: Option<Value>,
    span: Option<Span>,
    http_request: Option<Request>,
}

impl Entry {
    fn is_push(&self) -> bool {
        let request = self.http_request.as_ref();
        request.is_some_and(|request| request.request_url == "/push")
    }
}

#[derive(Deserialize)]
struct Span {
    event_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    request_url: String,
}

impl Printed {
    pub(super) fn read(line: &str) -> Self {
        match serde_json::from_str(line) {
            Ok(entry) => Self::of(entry),
            Err(_) => Self::plain(line),
        }
    }

    fn of(entry: Entry) -> Self {
        let level = match entry.severity.as_str() {
            "WARNING" => Level::Warning,
            "ERROR" | "CRITICAL" | "ALERT" | "EMERGENCY" => Level::Error,
            _ if entry.is_push() => Level::Event,
            _ => Level::Detail,
        };
        let error = match entry.error {
            Some(Value::String(error)) => format!(": {error}"),
            Some(error) => format!(": {error}"),
            None => String::new(),
        };
        let event = entry
            .span
            .and_then(|span| span.event_id)
            .map_or_else(String::new, |event| format!(" (event {event})"));
        let text = format!("{}{error}{event}", entry.message);
        Self { level, text }
    }

    /// Reads a line without that format. The stand-ins name the level in the line. An error of PostgreSQL is one of a
    /// session, which reports it itself, so it counts as a detail.
    fn plain(line: &str) -> Self {
        let says = |word: &str| line.split_whitespace().take(6).any(|found| found == word);
        let level = if says("ERROR") || says("PANIC:") || line.contains("panicked at") {
            Level::Error
        } else if says("WARN") {
            Level::Warning
        } else {
            Level::Detail
        };
        Self { level, text: line.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> (Level, String) {
        let printed = Printed::read(line);
        (printed.level, printed.text)
    }

    #[test]
    fn a_service_says_how_much_it_matters() {
        let push = r#"{"severity":"INFO","message":"POST /push 204 in 3.1 ms",
            "httpRequest":{"requestUrl":"/push","status":204},"span":{"event_id":"17"}}"#;
        let text = "POST /push 204 in 3.1 ms (event 17)".to_owned();
        assert_eq!(read(push), (Level::Event, text));

        let relay = r#"{"severity":"INFO","message":"m","httpRequest":{"requestUrl":"/relay"}}"#;
        assert_eq!(read(relay).0, Level::Detail);

        let failed = r#"{"severity":"ERROR","message":"no","error":"gone"}"#;
        assert_eq!(read(failed), (Level::Error, "no: gone".to_owned()));
        assert_eq!(read(r#"{"severity":"WARNING"}"#).0, Level::Warning);
    }

    #[test]
    fn a_stand_in_says_it_in_words() {
        assert_eq!(read("2026-01-01T00:00:00Z  WARN local::pubsub: slow").0, Level::Warning);
        assert_eq!(read("2026-01-01T00:00:00Z ERROR local::pubsub: gone").0, Level::Error);
        assert_eq!(read("2026-01-01T00:00:00Z  INFO local::pubsub: well").0, Level::Detail);
        assert_eq!(read("thread 'main' panicked at src/main.rs:1:1:").0, Level::Error);
    }

    #[test]
    fn the_database_tells_its_own_death_alone() {
        let line = |level| format!("2026-01-01 00:00:00.000 UTC [7] {level}:  duplicate key");
        assert_eq!(read(&line("ERROR")).0, Level::Detail);
        assert_eq!(read(&line("PANIC")).0, Level::Error);
    }
}
