use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue};

/// Adds the headers for browsers and caches to every answer, unless its handler has set them.
/// `Strict-Transport-Security` is not among them, because only the proxy that ends TLS knows whether the whole domain
/// has HTTPS.
pub(crate) fn add(headers: &mut HeaderMap) {
    let mut add = |name: HeaderName, value| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    add(X_CONTENT_TYPE_OPTIONS, "nosniff");
    add(REFERRER_POLICY, "no-referrer");
    // An answer is about the current state, and often for one caller only.
    add(CACHE_CONTROL, "no-store");
    if !is_page(headers) {
        headers
            .entry(CONTENT_SECURITY_POLICY)
            .or_insert(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
    }
}

/// A page declares itself what it loads.
fn is_page(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
}
