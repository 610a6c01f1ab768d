use service::testing::context;

use crate::request;

/// `traceparent` and `X-Request-Id`: an unreadable value is ignored, a readable one is passed on, and the value that
/// is sent on is always well-formed. The body is the `traceparent` of a message.
pub fn traceparent(bytes: &[u8]) {
    let (headers, body) = request::parts(bytes);
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let context = context(&headers);
    let id = &context.request_id;
    assert!(is_request_id(id), "{id}");
    if let Some(given) = text("x-request-id").filter(|given| is_request_id(given)) {
        assert_eq!(id, given);
    }

    let own = context.traceparent();
    assert!(own.len() == 55 && own.starts_with("00-") && is_well_formed(&own), "{own}");
    if let Some(given) = text("traceparent").filter(|given| is_well_formed(given)) {
        follows(&own, given);
    }

    let carried = String::from_utf8_lossy(body);
    context.follow(&carried);
    if is_well_formed(&carried) {
        follows(&context.traceparent(), &carried);
    } else {
        assert_eq!(context.traceparent(), own);
    }
}

/// Checks for the same trace and flags, with another span.
fn follows(own: &str, parent: &str) {
    assert_eq!(own[3..35], parent[3..35]);
    assert_ne!(own[36..52], parent[36..52]);
    assert_eq!(own[53..55], parent[53..55]);
}

/// Checks the format of the W3C standard.
fn is_well_formed(text: &str) -> bool {
    let bytes = text.as_bytes();
    let hex = |from: usize, to: usize| bytes[from..to].iter().all(|byte| b"0123456789abcdef".contains(byte));
    let zero = |from: usize, to: usize| bytes[from..to].iter().all(|byte| *byte == b'0');
    bytes.len() >= 55
        && [2, 35, 52].iter().all(|dash| bytes[*dash] == b'-')
        && [(0, 2), (3, 35), (36, 52), (53, 55)].iter().all(|(from, to)| hex(*from, *to))
        && &bytes[..2] != b"ff"
        && !zero(3, 35)
        && !zero(36, 52)
        && (bytes.len() == 55 || (&bytes[..2] != b"00" && bytes[55] == b'-'))
}

fn is_request_id(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}
