//! Refuses changes that a page of another origin asks for. Such a page can be open in an operator's browser, and the
//! browser would send the operator's identity along with the page's request.

use axum::extract::Request;
use axum::http::header::{HOST, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::Response;
use service::Problem;

const FETCH_SITE: &str = "sec-fetch-site";

/// Browsers send these headers with every change, and no page can forge them. A client that is not a browser sends
/// neither.
pub(crate) async fn check(request: Request, next: Next) -> Result<Response, Problem> {
    let is_foreign =
        is_of_another_site(request.headers()) || has_another_origin(request.headers(), request.uri());
    if !request.method().is_safe() && is_foreign {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "a change may not be asked for by a page of another origin",
        ));
    }
    Ok(next.run(request).await)
}

fn is_of_another_site(headers: &HeaderMap) -> bool {
    headers.get_all(FETCH_SITE).iter().any(|site| site != "same-origin" && site != "none")
}

/// With HTTP/2 the host is in the URI.
fn has_another_origin(headers: &HeaderMap, uri: &Uri) -> bool {
    let host = headers.get(HOST).and_then(authority).or_else(|| uri.authority().cloned());
    headers.get_all(ORIGIN).iter().any(|origin| {
        let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
        let origin = origin.and_then(|(_, origin)| origin.parse::<Authority>().ok());
        origin.is_none() || origin != host
    })
}

fn authority(host: &HeaderValue) -> Option<Authority> {
    host.to_str().ok()?.parse().ok()
}
