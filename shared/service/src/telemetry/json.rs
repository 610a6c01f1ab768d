use std::fmt::Debug;

use json_subscriber::{FieldWriter, JsonLayer};
use serde::Serialize;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::time::SystemTime;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// Writes lines in the format of Cloud Logging.
///
/// The members: <https://cloud.google.com/logging/docs/structured-logging#structured_logging_special_fields>.
pub(super) fn layer<S, M>(writer: M, project: Option<String>) -> impl Layer<S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    M: for<'writer> MakeWriter<'writer> + 'static,
{
    let mut lines = JsonLayer::new(writer);
    lines.with_timer("time", SystemTime).with_target("target").with_current_span("span");
    lines.add_multiple_dynamic_fields(|event, context, line| {
        let mut members = Members { line, http_request: Map::new() };
        members.write("severity", severity(*event.metadata().level()));
        if let Some(trace) = trace(event, context) {
            members.write("logging.googleapis.com/trace", trace);
        }
        event.record(&mut members);
        members.end();
    });
    KeepTrace { project }.and_then(lines)
}

fn severity(level: Level) -> &'static str {
    match level {
        Level::ERROR => "ERROR",
        Level::WARN => "WARNING",
        Level::INFO => "INFO",
        Level::DEBUG | Level::TRACE => "DEBUG",
    }
}

/// Returns the trace of the nearest span that has one.
fn trace<S>(event: &Event<'_>, context: &Context<'_, S>) -> Option<String>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    context.event_scope(event)?.find_map(|span| Some(span.extensions().get::<Trace>()?.0.clone()))
}

/// The fields of an event as members of its line. Fields named `httpRequest.…` together form one member.
struct Members<'a, 'line> {
    line: &'a mut FieldWriter<'line>,
    http_request: Map<String, Value>,
}

impl Members<'_, '_> {
    fn add(&mut self, field: &Field, value: impl Serialize + Into<Value>) {
        match field.name().strip_prefix("httpRequest.") {
            Some(name) => {
                self.http_request.insert(name.to_owned(), value.into());
            }
            None => self.write(field.name(), value),
        }
    }

    fn end(self) {
        if !self.http_request.is_empty() {
            let _ = self.line.write_field("httpRequest", self.http_request);
        }
    }

    fn write(&mut self, name: &str, value: impl Serialize) {
        // The values are text, numbers and booleans, none of which serde_json can refuse.
        let _ = self.line.write_field(name, value);
    }
}

impl Visit for Members<'_, '_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.add(field, format!("{value:?}"));
    }
}

/// Stores the trace of each span that has the field `trace`, in the form of Cloud Logging.
struct KeepTrace {
    project: Option<String>,
}

struct Trace(String);

impl KeepTrace {
    fn keep<S>(&self, Found(trace): Found, id: &Id, context: &Context<'_, S>)
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        if let (Some(trace), Some(span)) = (trace, context.span(id)) {
            let trace = match &self.project {
                Some(project) => format!("projects/{project}/traces/{trace}"),
                None => trace,
            };
            span.extensions_mut().replace(Trace(trace));
        }
    }
}

impl<S> Layer<S> for KeepTrace
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut found = Found(None);
        attributes.record(&mut found);
        self.keep(found, id, &context);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let mut found = Found(None);
        values.record(&mut found);
        self.keep(found, id, &context);
    }
}

struct Found(Option<String>);

impl Visit for Found {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "trace" {
            self.0 = Some(value.to_owned());
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}
