use std::fmt;
use std::pin::Pin;

use async_compression::tokio::bufread::{GzipDecoder, ZstdDecoder};
use async_compression::zstd::DParameter;
use axum::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING};
use axum::http::{HeaderMap, HeaderValue};
use service::Problem;
use tokio::io::{AsyncBufRead, AsyncRead};

use crate::problems;

/// What RFC 9659 allows a zstd body to want: 8 MiB. The decoder sets that much aside at the word of its sender, and would up to
/// 128 MiB.
const ZSTD_WINDOW_LOG: u32 = 23;

#[derive(Clone, Copy)]
pub(crate) enum Encoding {
    Identity,
    Gzip,
    Zstd,
}

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

    pub(crate) fn decoder(self, bytes: impl AsyncBufRead + Send + 'static) -> Pin<Box<dyn AsyncRead + Send>> {
        match self {
            Self::Identity => Box::pin(bytes),
            Self::Gzip => {
                let mut decoder = GzipDecoder::new(bytes);
                // What is behind the first member would be lost unseen.
                decoder.multiple_members(true);
                Box::pin(decoder)
            }
            Self::Zstd => {
                let window = DParameter::window_log_max(ZSTD_WINDOW_LOG);
                let mut decoder = ZstdDecoder::with_params(bytes, &[window]);
                decoder.multiple_members(true);
                Box::pin(decoder)
            }
        }
    }
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
