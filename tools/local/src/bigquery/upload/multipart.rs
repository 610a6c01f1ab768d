//! `multipart/related`: one body with two parts, the job and its rows.

use axum::http::{HeaderMap, header};

use crate::bigquery::error::ApiError;

pub(crate) struct Parts<'a> {
    pub(crate) job: &'a [u8],
    pub(crate) media: &'a [u8],
}

pub(crate) fn parse<'a>(headers: &HeaderMap, body: &'a [u8]) -> Result<Parts<'a>, ApiError> {
    let boundary = boundary(headers)
        .ok_or_else(|| ApiError::invalid("Content-Type is not multipart/related with a boundary"))?;
    let delimiter = format!("\r\n--{boundary}");
    // The first delimiter has no line break in front of it.
    let first = &delimiter.as_bytes()[2..];
    let malformed = || ApiError::invalid("Malformed multipart body: two parts are expected");
    let after_first = body.strip_prefix(first).ok_or_else(malformed)?;
    let (job, after_job) = part(after_first, &delimiter).ok_or_else(malformed)?;
    let (media, rest) = part(after_job, &delimiter).ok_or_else(malformed)?;
    if !rest.starts_with(b"--") {
        return Err(malformed());
    }
    Ok(Parts { job, media })
}

fn boundary(headers: &HeaderMap) -> Option<&str> {
    let content_type = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let parameters = content_type.strip_prefix("multipart/related")?;
    let boundary = parameters.split(';').find_map(|parameter| parameter.trim().strip_prefix("boundary="))?;
    Some(boundary.trim_matches('"'))
}

/// Returns the content of the part that starts here, without its headers, and the bytes behind its delimiter.
fn part<'a>(bytes: &'a [u8], delimiter: &str) -> Option<(&'a [u8], &'a [u8])> {
    let (_headers, content) = split_once(bytes, b"\r\n\r\n")?;
    split_once(content, delimiter.as_bytes())
}

fn split_once<'a>(bytes: &'a [u8], at: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let start = bytes.windows(at.len()).position(|window| window == at)?;
    Some((&bytes[..start], &bytes[start + at.len()..]))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn headers(content_type: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::CONTENT_TYPE, content_type.parse().unwrap())])
    }

    #[test]
    fn finds_both_parts_whatever_lines_they_have() {
        let body = b"--==b==\r\ncontent-type: application/json\r\n\r\n{}\r\n--==b==\r\n\
                     content-type: */*\r\n\r\n{\"a\":1}\n\r\n{\"a\":2}\n\r\n--==b==--";
        let parts = parse(&headers("multipart/related; boundary=\"==b==\""), body).unwrap();
        assert_eq!(parts.job, b"{}");
        assert_eq!(parts.media, b"{\"a\":1}\n\r\n{\"a\":2}\n");
    }

    #[test]
    fn refuses_what_is_cut_off() {
        let cut = b"--b\r\n\r\n{}\r\n--b\r\n\r\n{\"a\":1}\n";
        assert!(parse(&headers("multipart/related; boundary=b"), cut).is_err());
        assert!(parse(&headers("application/json"), b"{}").is_err());
    }
}
