mod zstd;

use std::pin::Pin;
use std::{fmt, io};

use async_compression::tokio::bufread::{GzipDecoder, ZstdDecoder};
use async_compression::zstd::DParameter;
use axum::body::Bytes;
use axum::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING};
use axum::http::{HeaderMap, HeaderValue};
use futures::{Stream, stream};
use service::memory::{Account, Held};
use service::{Chunks, Problem};
use tokio::io::AsyncRead;
use tokio_util::io::StreamReader;

use self::zstd::Frames;
use crate::problems;

/// Memory for the state of a gzip decoder, including its window.
const GZIP: usize = 64 * 1024;

#[derive(Clone, Copy)]
pub(crate) enum Encoding {
    Identity,
    Gzip,
    Zstd,
}

/// The decoder of a body, and its part of the budget.
pub(crate) enum Decoder {
    Gzip(Held),
    Zstd(Frames),
}

/// A problem that ended the body and was not found by the decoder.
#[derive(Debug, thiserror::Error)]
#[error("the body cannot be read on")]
pub(crate) struct Stopped(pub(crate) Problem);

impl Encoding {
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let mut values = headers.get_all(CONTENT_ENCODING).iter();
        let Some(value) = values.next() else {
            return Ok(Self::Identity);
        };
        let name = value.to_str().unwrap_or("").trim().to_ascii_lowercase();
        match (name.as_str(), values.next()) {
            ("identity", None) => Ok(Self::Identity),
            ("gzip" | "x-gzip", None) => Ok(Self::Gzip),
            ("zstd", None) => Ok(Self::Zstd),
            _ => Err(problems::unsupported(
                "Content-Encoding",
                "Content-Encoding must be gzip, zstd or identity, and one alone".into(),
            )
            .header(ACCEPT_ENCODING, HeaderValue::from_static("gzip, zstd"))),
        }
    }

    /// Returns the decoder for a body of at most `limit` bytes.
    pub(crate) fn decoder(self, limit: usize, account: &Account) -> Result<Option<Decoder>, Problem> {
        Ok(match self {
            Self::Identity => None,
            Self::Gzip => Some(Decoder::Gzip(account.hold(GZIP)?)),
            Self::Zstd => Some(Decoder::Zstd(Frames::new(limit, account)?)),
        })
    }
}

impl Decoder {
    /// The part of the budget is released when the result is dropped.
    pub(crate) fn over(self, chunks: Chunks) -> Pin<Box<dyn AsyncRead + Send>> {
        match self {
            Self::Gzip(held) => {
                let mut decoder =
                    GzipDecoder::new(StreamReader::new(Box::pin(coded(chunks, held, |_, chunk| Ok(chunk)))));
                // Without this, any data after the first member would be ignored silently.
                decoder.multiple_members(true);
                Box::pin(decoder)
            }
            Self::Zstd(frames) => {
                let window = DParameter::window_log_max(frames.window_log());
                let coded = StreamReader::new(Box::pin(coded(chunks, frames, Frames::pass)));
                let mut decoder = ZstdDecoder::with_params(coded, &[window]);
                decoder.multiple_members(true);
                Box::pin(decoder)
            }
        }
    }
}

/// Streams the received chunks, each after a call of `pass`.
fn coded<T: Send>(
    chunks: Chunks,
    state: T,
    pass: impl Fn(&mut T, Bytes) -> Result<Bytes, Problem> + Copy + Send,
) -> impl Stream<Item = io::Result<Bytes>> + Send {
    stream::try_unfold((chunks, state), move |(mut chunks, mut state)| async move {
        let stopped = |problem| io::Error::other(Stopped(problem));
        let Some(chunk) = chunks.next().await.map_err(stopped)? else { return Ok(None) };
        let chunk = pass(&mut state, chunk).map_err(stopped)?;
        Ok(Some((chunk, (chunks, state))))
    })
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        })
    }
}
