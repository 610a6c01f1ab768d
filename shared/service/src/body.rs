use std::time::Duration;

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http::StatusCode;
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout_at};

use crate::Problem;
use crate::memory::{Account, Held, Holder};

/// The default deadline for a whole body: a megabyte over the slowest mobile line.
pub const BODY_DEADLINE: Duration = Duration::from_secs(30);
/// The lowest rate of a body in bytes a second, measured from its beginning and once [`BODY_GRACE`] is over. A stalled
/// client holds memory, and must release it before the deadline.
pub const BODY_RATE: u32 = 4 * 1024;
pub const BODY_GRACE: Duration = Duration::from_secs(5);

/// Larger bodies share a part of the budget, so that they do not shut out those of the usual size.
const LARGE: usize = 64 * 1024;

/// A body as it comes in: of a bounded length, within a deadline and not below a rate.
pub struct Chunks {
    body: Body,
    limit: usize,
    received: usize,
    deadline: Duration,
    since: Instant,
}

impl Chunks {
    /// A body whose announced length is too large is refused before any of it is read: a client that waits for `100
    /// Continue` never sends it.
    pub fn of(body: Body, limit: usize, deadline: Duration) -> Result<Self, Problem> {
        if body.size_hint().lower() > u64::try_from(limit).unwrap_or(u64::MAX) {
            return Err(too_large(limit));
        }
        Ok(Self { body, limit, received: 0, deadline, since: Instant::now() })
    }

    /// Returns the length of the rest, if it is known.
    pub fn announced(&self) -> Option<usize> {
        self.body.size_hint().exact().and_then(|length| usize::try_from(length).ok())
    }

    pub async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        loop {
            let by = self.since + self.deadline.min(self.time_for_received());
            let Ok(frame) = timeout_at(by, self.body.frame()).await else { return Err(self.too_slow()) };
            let data = match frame {
                None => return Ok(None),
                Some(Err(_)) => return Err(broken()),
                Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
            };
            self.received += data.len();
            if self.received > self.limit {
                return Err(too_large(self.limit));
            }
            if !data.is_empty() {
                return Ok(Some(data));
            }
        }
    }

    fn time_for_received(&self) -> Duration {
        let millis = self.received.saturating_mul(1000) / BODY_RATE as usize;
        BODY_GRACE + Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
    }

    fn too_slow(&self) -> Problem {
        let Self { deadline, .. } = self;
        let detail = if self.time_for_received() < *deadline {
            format!(
                "the body arrives with less than {BODY_RATE} bytes a second, {BODY_GRACE:?} after its beginning"
            )
        } else {
            format!("the body did not arrive within {deadline:?}")
        };
        Problem::new(StatusCode::REQUEST_TIMEOUT, detail)
    }
}

/// Reads a whole body. Its memory counts for the account until the last of its bytes is dropped.
pub async fn read_body(
    body: Body,
    limit: usize,
    deadline: Duration,
    account: &Account,
) -> Result<Bytes, Problem> {
    let mut chunks = Chunks::of(body, limit, deadline)?;
    let mut whole = Whole { bytes: Vec::new(), held: account.hold(0)? };
    while let Some(chunk) = chunks.next().await? {
        let length = whole.bytes.len() + chunk.len();
        if length > LARGE {
            account.charge(Holder::LargeBodies)?;
        }
        whole.held.reserve(&mut whole.bytes, chunk.len(), limit)?;
        whole.bytes.extend_from_slice(&chunk);
    }
    Ok(Bytes::from_owner(whole))
}

struct Whole {
    bytes: Vec<u8>,
    held: Held,
}

impl AsRef<[u8]> for Whole {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

fn too_large(limit: usize) -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body is larger than the limit of {limit} bytes"))
        .with("limit", limit)
}

fn broken() -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "the body is malformed or ended early")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::convert::Infallible;
    use std::io::{self, ErrorKind};

    use futures::{StreamExt, stream};
    use tokio::time::sleep;

    use super::*;
    use crate::memory::Memory;

    fn chunks(chunks: Vec<io::Result<&'static str>>) -> Body {
        Body::from_stream(stream::iter(chunks))
    }

    async fn read(body: Body, limit: usize, deadline: Duration) -> Result<Bytes, Problem> {
        read_body(body, limit, deadline, &Memory::new(1 << 20).account()).await
    }

    async fn status(body: Body) -> StatusCode {
        read(body, 8, Duration::from_millis(50)).await.unwrap_err().status()
    }

    #[tokio::test]
    async fn a_body_as_large_as_the_limit_is_read() {
        let body = chunks(vec![Ok("1234"), Ok("5678")]);
        assert_eq!(read(body, 8, BODY_DEADLINE).await.unwrap(), "12345678");
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

    /// Sends this many bytes every second.
    fn dripping(bytes: usize) -> Body {
        Body::from_stream(stream::repeat(()).then(move |()| async move {
            sleep(Duration::from_secs(1)).await;
            Ok::<_, Infallible>("x".repeat(bytes))
        }))
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_drips_is_given_up_before_its_deadline() {
        let rate = BODY_RATE as usize;
        for (bytes, seconds) in [(0, 5), (1, 5), (rate / 2, 9)] {
            let begun = Instant::now();
            let problem = read(dripping(bytes), 1 << 20, BODY_DEADLINE).await.unwrap_err();
            assert_eq!(problem.status(), StatusCode::REQUEST_TIMEOUT);
            let told = serde_json::to_value(&problem).unwrap()["detail"].to_string();
            assert!(told.contains("less than 4096 bytes a second"), "{told}");
            assert_eq!(begun.elapsed().as_secs(), seconds, "{bytes} bytes a second");
        }
        let told = read(dripping(rate), 1 << 20, BODY_DEADLINE).await.unwrap_err();
        assert!(format!("{told:?}").contains("within 30s"), "{told:?}");
    }

    #[tokio::test]
    async fn what_is_read_is_held_until_it_is_dropped() {
        let memory = Memory::new(400);
        let body = || chunks(vec![Ok("1234"), Ok("5678")]);
        let whole = read_body(body(), 200, BODY_DEADLINE, &memory.account()).await.unwrap();
        let part = whole.slice(2..3);
        drop(whole);
        assert_eq!(memory.held(), 8);
        let large = Body::from("x".repeat(393));
        let refused = read_body(large, 400, BODY_DEADLINE, &memory.account()).await.unwrap_err();
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        drop(part);
        assert_eq!(memory.held(), 0);
    }
}
