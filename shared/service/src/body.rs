use std::time::Duration;

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http::StatusCode;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::time::timeout;

use crate::Problem;

/// How long a whole body may take where nothing else is asked for: a megabyte over the slowest
/// mobile line.
pub const BODY_DEADLINE: Duration = Duration::from_secs(30);

/// Reads a body whole. `deadline` is for all of it, so that a client that drips a byte now and
/// then comes to an end too.
pub async fn read_body(body: Body, limit: usize, deadline: Duration) -> Result<Bytes, Problem> {
    // What announces itself as too large is refused unread: a client that waits for
    // `100 Continue` never sends it.
    if body.size_hint().lower() > u64::try_from(limit).unwrap_or(u64::MAX) {
        return Err(too_large(limit));
    }
    match timeout(deadline, Limited::new(body, limit).collect()).await {
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large(limit)),
        Ok(Err(_)) => Err(Problem::new(StatusCode::BAD_REQUEST, "the body is malformed or ended early")),
        Err(_) => Err(too_slow(deadline)),
    }
}

fn too_large(limit: usize) -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body is larger than the limit of {limit} bytes"))
        .with("limit", limit)
}

fn too_slow(deadline: Duration) -> Problem {
    Problem::new(StatusCode::REQUEST_TIMEOUT, format!("the body did not arrive within {deadline:?}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::io::{self, ErrorKind};

    use futures::stream;

    use super::*;

    fn chunks(chunks: Vec<io::Result<&'static str>>) -> Body {
        Body::from_stream(stream::iter(chunks))
    }

    async fn status(body: Body) -> StatusCode {
        let read = read_body(body, 8, Duration::from_millis(50)).await;
        read.unwrap_err().status()
    }

    #[tokio::test]
    async fn a_body_as_large_as_the_limit_is_read() {
        let body = chunks(vec![Ok("1234"), Ok("5678")]);
        let bytes = read_body(body, 8, BODY_DEADLINE).await.unwrap();
        assert_eq!(bytes, "12345678");
    }

    #[tokio::test]
    async fn each_way_to_fail_has_its_status() {
        let large = StatusCode::PAYLOAD_TOO_LARGE;
        assert_eq!(status(Body::from("123456789")).await, large);
        assert_eq!(status(chunks(vec![Ok("12345"), Ok("6789")])).await, large);
        let gone = chunks(vec![Ok("1"), Err(ErrorKind::ConnectionReset.into())]);
        assert_eq!(status(gone).await, StatusCode::BAD_REQUEST);
        let silent = Body::from_stream(stream::pending::<io::Result<&str>>());
        assert_eq!(status(silent).await, StatusCode::REQUEST_TIMEOUT);
    }
}
