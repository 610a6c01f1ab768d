use std::cell::RefCell;
use std::io::{self, Write};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

thread_local! {
    /// The trace of the line that this thread is about to write.
    static LINE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Finds the trace of each event: the field `trace` of the nearest span that has one.
///
/// Cloud Logging groups lines by a member that `tracing-stackdriver` writes only together with
/// OpenTelemetry. So this layer, which runs before it, leaves the trace for [`WithTrace`], which
/// runs behind it on the same thread.
pub(super) struct FindTrace;

/// The trace as a span keeps it.
struct Trace(String);

impl<S> Layer<S> for FindTrace
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut found = Found(None);
        attributes.record(&mut found);
        found.keep(id, &context);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let mut found = Found(None);
        values.record(&mut found);
        found.keep(id, &context);
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let trace = context
            .event_scope(event)
            .and_then(|mut scope| scope.find_map(|span| Some(span.extensions().get::<Trace>()?.0.clone())));
        LINE.set(trace);
    }
}

struct Found(Option<String>);

impl Found {
    fn keep<S>(self, id: &Id, context: &Context<'_, S>)
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        if let (Some(trace), Some(span)) = (self.0, context.span(id)) {
            span.extensions_mut().replace(Trace(trace));
        }
    }
}

impl Visit for Found {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "trace" {
            self.0 = Some(value.to_owned());
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

/// Puts the trace into each line, behind its opening brace.
pub(super) struct WithTrace<M> {
    pub(super) lines: M,
    pub(super) project: Option<String>,
}

impl<'a, M: MakeWriter<'a>> MakeWriter<'a> for WithTrace<M> {
    type Writer = Line<M::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        let trace = LINE.take().map(|id| match &self.project {
            Some(project) => format!("projects/{project}/traces/{id}"),
            None => id,
        });
        Line { out: self.lines.make_writer(), trace }
    }
}

pub(super) struct Line<W> {
    out: W,
    trace: Option<String>,
}

impl<W: Write> Write for Line<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let (Some(trace), Some(members)) = (self.trace.take(), line.strip_prefix(b"{")) else {
            return self.out.write(line);
        };
        // In one piece, so that lines of several threads cannot mix.
        let mut whole = b"{\"logging.googleapis.com/trace\":".to_vec();
        serde_json::to_writer(&mut whole, &trace)?;
        whole.push(b',');
        whole.extend_from_slice(members);
        self.out.write_all(&whole)?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
