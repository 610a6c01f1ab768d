use std::panic::{self, PanicHookInfo};

/// Makes panics log lines like any other error, with the trace of the request that they end.
pub(super) fn log_panics() {
    panic::set_hook(Box::new(|panic| {
        tracing::error!(
            location = panic.location().map(tracing::field::display),
            "panicked: {}",
            message(panic)
        );
    }));
}

fn message<'a>(panic: &'a PanicHookInfo<'_>) -> &'a str {
    panic.payload_as_str().unwrap_or("(no message)")
}
