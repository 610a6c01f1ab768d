use std::io;
use std::pin::Pin;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::http::{HeaderMap, StatusCode};
use futures::TryStreamExt;
use http_body_util::{LengthLimitError, Limited};
use service::Problem;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::{Instant, timeout_at};
use tokio_util::io::StreamReader;

use crate::encoding::Encoding;
use crate::problems;
use crate::room::{Held, Room};

/// How much is read at once, which is also all that a decoder holds beside its window.
const CHUNK: usize = 16 * 1024;

/// A body as it comes in, decompressed. Its length is bounded before and behind the decoder, and so is the time that all of
/// it may take: a client that drips comes to an end too.
pub(crate) struct Reader {
    bytes: Pin<Box<dyn AsyncRead + Send>>,
    encoding: Encoding,
    /// What is read first: all of it where its length is announced.
    first: usize,
    limit: usize,
    read: usize,
    deadline: Duration,
    by: Instant,
    held: Option<Held>,
}

/// Why a body stops that is not the decoder's doing.
#[derive(Debug, thiserror::Error)]
enum Stopped {
    #[error("the body is too long")]
    TooLong,
    #[error("the body ended early")]
    Early,
}

impl Reader {
    /// Of what announces itself as too large nothing is read: a client that waits for `100 Continue` never sends it.
    pub(crate) fn of(
        headers: &HeaderMap,
        body: Body,
        limit: usize,
        deadline: Duration,
    ) -> Result<Self, Problem> {
        let encoding = Encoding::of(headers)?;
        if body.size_hint().lower() > u64::try_from(limit).unwrap_or(u64::MAX) {
            return Err(too_large(limit));
        }
        let announced = body.size_hint().exact().and_then(|length| usize::try_from(length).ok());
        let first = announced
            .filter(|_| matches!(encoding, Encoding::Identity))
            .map_or(CHUNK, |length| length.saturating_add(1).min(CHUNK));
        let stream = Body::new(Limited::new(body, limit)).into_data_stream();
        let raw = StreamReader::new(stream.map_err(|error| {
            let too_long = error.into_inner().is::<LengthLimitError>();
            io::Error::other(if too_long { Stopped::TooLong } else { Stopped::Early })
        }));
        let by = Instant::now() + deadline;
        Ok(Self { bytes: encoding.decoder(raw), encoding, first, limit, read: 0, deadline, by, held: None })
    }

    /// What is read takes room, until the reader is dropped.
    pub(crate) fn within(self, room: &Room) -> Self {
        Self { held: Some(room.enter()), ..self }
    }

    /// Appends what comes next, and says whether anything did.
    pub(crate) async fn next(&mut self, buffer: &mut Vec<u8>) -> Result<bool, Problem> {
        if buffer.len() == buffer.capacity() {
            buffer.reserve(CHUNK);
        }
        let read = match timeout_at(self.by, self.bytes.read_buf(buffer)).await {
            Ok(Ok(read)) => read,
            Ok(Err(error)) => return Err(self.unreadable(&error)),
            Err(_) => return Err(too_slow(self.deadline)),
        };
        self.read += read;
        self.held.as_mut().map_or(Ok(()), |held| held.grow(read))?;
        if self.read > self.limit { Err(too_large(self.limit)) } else { Ok(read > 0) }
    }

    pub(crate) async fn whole(&mut self) -> Result<Vec<u8>, Problem> {
        let mut body = Vec::with_capacity(self.first);
        while self.next(&mut body).await? {}
        Ok(body)
    }

    fn unreadable(&self, error: &io::Error) -> Problem {
        match error.get_ref().and_then(|error| error.downcast_ref()) {
            Some(Stopped::TooLong) => too_large(self.limit),
            Some(Stopped::Early) => malformed("the body is malformed or ended early".into()),
            None => malformed(format!("the body is not whole, or not {}: {error}", self.encoding)),
        }
    }
}

fn too_large(limit: usize) -> Problem {
    problems::too_large("the body", limit, "bytes")
}

fn malformed(detail: String) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, detail)
}

fn too_slow(deadline: Duration) -> Problem {
    Problem::new(StatusCode::REQUEST_TIMEOUT, format!("the body did not arrive within {deadline:?}"))
}
