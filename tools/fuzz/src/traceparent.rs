use service::testing::context;

use crate::request;

/// `traceparent` and `X-Request-Id`: what cannot be read is left alone, what can be read is carried on, and either way what is
/// sent on is well-formed. The body is what a message carries.
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

/// The same trace, with its flags and a place of its own.
fn follows(own: &str, parent: &str) {
    assert_eq!(own[3..35], parent[3..35]);
    assert_ne!(own[36..52], parent[36..52]);
    assert_eq!(own[53..55], parent[53..55]);
}

/// As the W3C's standard has it.
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
