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

/// So much is decompressed at once.
const CHUNK: usize = 16 * 1024;

/// A body as it comes in, decompressed. Its length is bounded before and behind the decoder, and so are the time that it may take
/// and, by the budget, all that it holds on its way.
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

/// A body that is here, and its part of the budget. The decoder is gone.
pub(crate) struct Whole {
    pub(crate) bytes: Vec<u8>,
    pub(crate) held: Held,
}

impl Reader {
    /// Of what announces itself as too large nothing is read: a client that waits for `100 Continue` never sends it.
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

    /// Appends what comes next, and says whether anything did. The buffer's capacity is what `held` holds.
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
                // One byte beyond the limit tells that there are more.
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
