use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use door::ApiKey;
use service::Problem;

const HEADER: &str = "x-api-key";
const CHALLENGE: HeaderValue = HeaderValue::from_static(r#"Bearer realm="eventflow""#);
/// RFC 6750 names the error only if a credential was sent.
const INVALID: HeaderValue = HeaderValue::from_static(r#"Bearer realm="eventflow", error="invalid_token""#);

/// Returns the single API key of a request.
pub(crate) fn key(headers: &HeaderMap) -> Result<ApiKey, Problem> {
    let bearers = headers.get_all(AUTHORIZATION).iter().map(bearer);
    let plain = headers.get_all(HEADER).iter().map(|value| value.to_str().ok());
    let mut given = bearers.chain(plain);
    match (given.next().flatten(), given.next()) {
        (Some(text), None) => {
            ApiKey::parse(text.trim()).map_err(|why| unauthorized(INVALID, why.to_string()))
        }
        (_, Some(_)) => Err(unauthorized(INVALID, "one API key is enough, and there are several")),
        (None, None) => {
            let how = "an API key is required: Authorization: Bearer efk_… or X-API-Key: efk_…";
            Err(unauthorized(CHALLENGE, how))
        }
    }
}

fn bearer(value: &HeaderValue) -> Option<&str> {
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

pub(super) fn unknown() -> Problem {
    unauthorized(INVALID, "the API key is unknown, expired or revoked")
}

fn unauthorized(challenge: HeaderValue, why: impl Into<String>) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, why).header(WWW_AUTHENTICATE, challenge)
}
