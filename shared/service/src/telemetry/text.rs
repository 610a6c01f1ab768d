use std::fmt::{self, Debug};

use tracing::Subscriber;
use tracing::field::Field;
use tracing_subscriber::Layer;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::fmt::format::{Writer, debug_fn};
use tracing_subscriber::fmt::{self as lines, MakeWriter};
use tracing_subscriber::registry::LookupSpan;

/// Writes lines for people. A field that the message already contains is not repeated.
pub(super) fn layer<S, M>(writer: M, colours: bool) -> impl Layer<S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    M: for<'writer> MakeWriter<'writer> + 'static,
{
    lines::layer()
        .with_ansi(colours)
        .with_target(false)
        .fmt_fields(debug_fn(field).delimited(" "))
        .with_writer(writer)
}

fn field(writer: &mut Writer<'_>, field: &Field, value: &dyn Debug) -> fmt::Result {
    match field.name() {
        "message" => write!(writer, "{value:?}"),
        name if name == "trace" || name.starts_with("httpRequest.") => Ok(()),
        name => write!(writer, "{name}={value:?}"),
    }
}
