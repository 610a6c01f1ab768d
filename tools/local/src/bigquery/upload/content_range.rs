//! The `Content-Range` of a resumable upload.

use axum::http::{HeaderMap, header};

use crate::bigquery::error::ApiError;

#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub(crate) enum ContentRange {
    /// `bytes */*` or `bytes */total`: the client asks how much has arrived.
    Query { total: Option<u64> },
    /// `bytes first-last/*` or `bytes first-last/total`.
    Chunk(Chunk),
}

#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub(crate) struct Chunk {
    pub(crate) first: u64,
    pub(crate) length: u64,
    pub(crate) total: Option<u64>,
}

impl Chunk {
    pub(crate) fn end(&self) -> u64 {
        self.first + self.length
    }

    pub(crate) fn is_last(&self) -> bool {
        self.total == Some(self.end())
    }
}

impl ContentRange {
    pub(crate) fn from_headers(headers: &HeaderMap) -> Result<Self, ApiError> {
        let Some(value) = headers.get(header::CONTENT_RANGE) else {
            return Err(ApiError::invalid("Content-Range is missing"));
        };
        let text = value.to_str().unwrap_or_default();
        let range = parse(text);
        range.ok_or_else(|| ApiError::invalid(format!("Invalid Content-Range: \"{text}\"")))
    }
}

fn parse(text: &str) -> Option<ContentRange> {
    let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    let total = match total {
        "*" => None,
        total => Some(total.parse().ok()?),
    };
    if range == "*" {
        return Some(ContentRange::Query { total });
    }
    let (first, last) = range.split_once('-')?;
    let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
    let fits = total.is_none_or(|total| last < total);
    last.checked_add(1)?;
    let length = last.checked_sub(first)? + 1;
    let chunk = Chunk { first, length, total };
    fits.then_some(ContentRange::Chunk(chunk))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_queries_and_chunks() {
        let chunk = |first, length, total| Some(ContentRange::Chunk(Chunk { first, length, total }));
        assert_eq!(parse("bytes */*"), Some(ContentRange::Query { total: None }));
        assert_eq!(parse("bytes */7"), Some(ContentRange::Query { total: Some(7) }));
        assert_eq!(parse("bytes 0-9/*"), chunk(0, 10, None));
        assert_eq!(parse("bytes 5-9/10"), chunk(5, 5, Some(10)));
    }

    #[test]
    fn refuses_the_rest() {
        for text in ["", "bytes 0-9", "bytes 9-0/*", "bytes 0-10/10", "bytes 0-/*", "lines 0-1/2"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
