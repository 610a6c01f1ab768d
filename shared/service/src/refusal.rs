use http::StatusCode;

use crate::Problem;
use crate::connection::BUFFER;

/// Adds a problem as the body to an answer of hyper's own, which hyper gives if it cannot parse the request. Every
/// answer of the service has an `x-request-id`, so an answer without it is hyper's.
pub(crate) fn with_problem(answer: &[u8]) -> Option<Vec<u8>> {
    let status = answer.strip_prefix(b"HTTP/1.1 ")?.get(..3)?;
    let problem = problem(StatusCode::from_bytes(status).ok()?)?;
    let head = str::from_utf8(answer).ok()?;
    if !head.ends_with("\r\n\r\n") || head.contains("\r\nx-request-id: ") {
        return None;
    }
    let (before, behind) = head.split_once("content-length: 0")?;
    let body = serde_json::to_string(&problem).ok()?;
    let described = format!("content-length: {}\r\ncontent-type: application/problem+json", body.len());
    Some(format!("{before}{described}{behind}{body}").into_bytes())
}

fn problem(status: StatusCode) -> Option<Problem> {
    match status {
        StatusCode::BAD_REQUEST => {
            Some(Problem::new(status, "the request's first line or its headers are not as HTTP/1.1 has them"))
        }
        StatusCode::URI_TOO_LONG => Some(Problem::new(status, "the request's target is too long")),
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
            let detail = format!(
                "the first line and the headers may have {BUFFER} bytes, and 100 headers at the most"
            );
            Some(Problem::new(status, detail).with("limit", BUFFER))
        }
        _ => None,
    }
}
