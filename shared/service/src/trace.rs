use std::fmt;
use std::str::FromStr;

use tracing::Span;
use uuid::Uuid;

/// A place in a distributed trace, in the form of the W3C header `traceparent`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Traceparent {
    trace_id: Uuid,
    span_id: String,
    flags: u8,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

impl Traceparent {
    /// Starts a trace. No system records its spans, so it is not marked as sampled.
    pub(crate) fn start() -> Self {
        Self::within(Uuid::new_v4())
    }

    /// Makes a step of a trace of which only the ID is known.
    fn within(trace_id: Uuid) -> Self {
        Self { trace_id, span_id: span_id(), flags: 0 }
    }

    /// Makes the next step of the same trace. Outgoing messages name this step as their parent.
    pub(crate) fn child(&self) -> Self {
        Self { span_id: span_id(), ..self.clone() }
    }

    pub(crate) fn trace_id(&self) -> Uuid {
        self.trace_id
    }

    /// Reads Google's older header, `TRACE_ID/SPAN_ID;o=OPTIONS` with the span in decimal.
    pub(crate) fn from_cloud(text: &str) -> Result<Self, Malformed> {
        let (trace_id, rest) = text.split_once('/').unwrap_or((text, ""));
        let (span, options) = rest.split_once(";o=").unwrap_or((rest, "0"));
        Ok(Self {
            trace_id: trace(trace_id)?,
            span_id: span.parse::<u64>().map_or_else(|_| span_id(), |span| format!("{span:016x}")),
            flags: u8::from(options == "1"),
        })
    }
}

impl FromStr for Traceparent {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let mut parts = text.split('-');
        let mut next = || parts.next().ok_or(Malformed);
        let (version, trace_id, span_id, flags) = (next()?, next()?, next()?, next()?);
        // Later versions may append parts; `00` has four, and `ff` is reserved.
        let complete = version != "00" || parts.next().is_none();
        if version.len() != 2 || !is_hex(version) || version == "ff" || !complete {
            return Err(Malformed);
        }
        if flags.len() != 2 || !is_hex(flags) {
            return Err(Malformed);
        }
        Ok(Self {
            trace_id: trace(trace_id)?,
            span_id: hex(span_id, 16)?,
            flags: u8::from_str_radix(flags, 16).map_err(|_| Malformed)?,
        })
    }
}

impl fmt::Display for Traceparent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{}-{:02x}", self.trace_id.simple(), self.span_id, self.flags)
    }
}

/// Returns the header for a message that continues a trace whose ID was stored. The previous span is not stored,
/// because no system records the spans of these services. For the same reason the trace is not marked as sampled.
pub fn traceparent_of(trace_id: Uuid) -> String {
    Traceparent::within(trace_id).to_string()
}

/// From here on the log lines of the current span belong to this trace. The span needs the field `trace`, which the
/// span of a request has.
pub fn record_trace(trace_id: Uuid) {
    record(&Span::current(), trace_id);
}

pub(crate) fn record(span: &Span, trace_id: Uuid) {
    span.record("trace", &*trace_id.simple().encode_lower(&mut Uuid::encode_buffer()));
}

fn span_id() -> String {
    let mut id = Uuid::new_v4().simple().to_string();
    id.truncate(16);
    id
}

fn trace(text: &str) -> Result<Uuid, Malformed> {
    Uuid::try_parse(&hex(text, 32)?).map_err(|_| Malformed)
}

fn hex(text: &str, length: usize) -> Result<String, Malformed> {
    let valid = text.len() == length && is_hex(text) && text.bytes().any(|byte| byte != b'0');
    valid.then(|| text.to_owned()).ok_or(Malformed)
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    #[test]
    fn a_child_keeps_the_trace_and_the_flags_and_has_a_span_of_its_own() {
        let parent: Traceparent = format!("00-{TRACE}-00f067aa0ba902b7-01").parse().unwrap();
        let child = parent.child().to_string();
        assert!(child.starts_with(&format!("00-{TRACE}-")));
        assert!(child.ends_with("-01"));
        assert!(!child.contains("00f067aa0ba902b7"));
        assert_eq!(parent.to_string(), format!("00-{TRACE}-00f067aa0ba902b7-01"));
    }

    #[test]
    fn a_later_version_may_say_more() {
        let text = format!("01-{TRACE}-00f067aa0ba902b7-01-more");
        assert_eq!(text.parse::<Traceparent>().unwrap().trace_id(), trace(TRACE).unwrap());
    }

    #[test]
    fn what_the_standard_forbids_is_refused() {
        for text in [
            String::new(),
            "00".to_owned(),
            format!("ff-{TRACE}-00f067aa0ba902b7-01"),
            format!("00-{TRACE}-00f067aa0ba902b7-01-more"),
            format!("00-{}-00f067aa0ba902b7-01", TRACE.to_uppercase()),
            format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)),
            format!("00-{TRACE}-{}-01", "0".repeat(16)),
            format!("00-{TRACE}-00f067aa0ba902b7-+1"),
            format!("00-{TRACE}-00f067aa0ba902b7"),
        ] {
            assert_eq!(text.parse::<Traceparent>(), Err(Malformed), "{text}");
        }
    }

    #[test]
    fn googles_older_header_is_read() {
        let text = Traceparent::from_cloud(&format!("{TRACE}/255;o=1")).unwrap();
        assert_eq!(text.to_string(), format!("00-{TRACE}-00000000000000ff-01"));
        assert_eq!(Traceparent::from_cloud(TRACE).unwrap().trace_id(), trace(TRACE).unwrap());
        assert_eq!(Traceparent::from_cloud("nonsense/1;o=1"), Err(Malformed));
    }

    #[test]
    fn a_trace_whose_id_was_kept_goes_on_in_a_step_of_its_own() {
        let kept: Traceparent = format!("00-{TRACE}-00f067aa0ba902b7-01").parse().unwrap();
        let (one, other) = (traceparent_of(kept.trace_id()), traceparent_of(kept.trace_id()));
        assert!(one.starts_with(&format!("00-{TRACE}-")) && one.ends_with("-00"), "{one}");
        assert_ne!(one, other);
        assert_eq!(one.parse::<Traceparent>().unwrap().to_string(), one);
    }

    #[test]
    fn a_trace_that_starts_here_is_well_formed() {
        let start = Traceparent::start();
        assert_eq!(start.to_string().parse(), Ok(start));
    }
}
