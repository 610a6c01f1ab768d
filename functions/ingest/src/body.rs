use std::io;
use std::pin::Pin;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode};
use service::memory::{Account, Held};
use service::{Chunks, Problem};
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::encoding::{Encoding, Stopped};
use crate::problems;

/// Number of bytes that are decompressed at once.
const CHUNK: usize = 16 * 1024;

/// Reads a request body and decompresses it. The length is bounded before and after the decoder, the time is bounded by
/// a deadline, and the memory by the budget.
pub(crate) struct Reader {
    source: Source,
    encoding: Encoding,
    limit: usize,
    read: usize,
}

enum Source {
    Plain(Chunks),
    Coded(Pin<Box<dyn AsyncRead + Send>>),
}

/// A complete body, and its part of the budget. The decoder has been dropped.
pub(crate) struct Whole {
    pub(crate) bytes: Vec<u8>,
    pub(crate) held: Held,
}

impl Reader {
    /// A body whose announced length is too large is refused before any of it is read: a client that waits for `100
    /// Continue` never sends it.
    pub(crate) fn of(
        headers: &HeaderMap,
        body: Body,
        limit: usize,
        deadline: Duration,
        account: &Account,
    ) -> Result<Self, Problem> {
        let encoding = Encoding::of(headers)?;
        let chunks = Chunks::of(body, limit, deadline)?;
        let source = match encoding.decoder(limit, account)? {
            None => Source::Plain(chunks),
            Some(decoder) => Source::Coded(decoder.over(chunks)),
        };
        Ok(Self { source, encoding, limit, read: 0 })
    }

    /// Appends the next part of the body to the buffer, and returns whether there was one. `held` covers the capacity
    /// of the buffer.
    pub(crate) async fn next(&mut self, buffer: &mut Vec<u8>, held: &mut Held) -> Result<bool, Problem> {
        let before = buffer.len();
        match &mut self.source {
            Source::Plain(chunks) => {
                if let Some(chunk) = chunks.next().await? {
                    held.reserve(buffer, chunk.len(), self.limit)?;
                    buffer.extend_from_slice(&chunk);
                }
            }
            Source::Coded(decoder) => {
                // One byte beyond the limit shows that the body is too large.
                let rest = (self.limit + 1).saturating_sub(self.read);
                held.reserve(buffer, rest.min(CHUNK), self.limit + 1)?;
                decoder.read_buf(buffer).await.map_err(|error| unreadable(self.encoding, &error))?;
            }
        }
        let read = buffer.len() - before;
        self.read += read;
        if self.read > self.limit { Err(too_large(self.limit)) } else { Ok(read > 0) }
    }

    pub(crate) async fn whole(mut self, account: &Account) -> Result<Whole, Problem> {
        let mut whole = Whole { bytes: Vec::new(), held: account.hold(0)? };
        while self.next(&mut whole.bytes, &mut whole.held).await? {}
        Ok(whole)
    }
}

fn too_large(limit: usize) -> Problem {
    problems::too_large("the body", limit, "bytes")
}

fn unreadable(encoding: Encoding, error: &io::Error) -> Problem {
    if let Some(Stopped(problem)) = error.get_ref().and_then(|error| error.downcast_ref()) {
        return problem.clone();
    }
    let detail = format!("the body is not whole, or not {encoding}: {error}");
    Problem::new(StatusCode::BAD_REQUEST, detail).with("field", "Content-Encoding")
}
