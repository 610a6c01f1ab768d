use axum::extract::Request;
use http::header::HOST;
use http::uri::Authority;
use http::{HeaderValue, StatusCode, Version};

use crate::Problem;

/// Checks the rules of RFC 9112 (3.2) for the header `Host`. In HTTP/2 the authority of the request takes its place.
pub(crate) fn check(request: &Request) -> Result<(), Problem> {
    if request.version() > Version::HTTP_11 {
        return Ok(());
    }
    let mut given = request.headers().get_all(HOST).iter();
    match (given.next(), given.next()) {
        (None, _) if request.version() == Version::HTTP_11 => Err(refused("is required in HTTP/1.1")),
        (None, _) => Ok(()),
        (Some(_), Some(_)) => Err(refused("must be given once")),
        (Some(host), None) if is_host(host) => Ok(()),
        (Some(_), None) => Err(refused("must be a host, with or without a port")),
    }
}

/// An empty host is for a target without an authority.
fn is_host(host: &HeaderValue) -> bool {
    let is_authority = |bytes| Authority::try_from(bytes).is_ok_and(|host| !host.as_str().contains('@'));
    host.is_empty() || is_authority(host.as_bytes())
}

fn refused(why: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, format!("Host {why}")).with("field", "Host")
}
