use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Error;

const MAX_HEADERS: usize = 32;

/// A connection with keep-alive.
pub(super) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

struct Head {
    status: u16,
    length: usize,
    body: usize,
}

impl Connection {
    pub(super) async fn open(address: SocketAddr) -> Result<Self, Error> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(16 * 1024) })
    }

    /// Sends a request and returns the body of its answer. A status that is not a success is an error.
    pub(super) async fn exchange(&mut self, request: &[u8]) -> Result<&[u8], Error> {
        self.buffer.clear();
        self.stream.write_all(request).await?;
        loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err("the service hung up".into());
            }
            let Some(head) = head(&self.buffer)? else { continue };
            let end = head.body + head.length;
            while self.buffer.len() < end {
                if self.stream.read_buf(&mut self.buffer).await? == 0 {
                    return Err("the service hung up in the middle of an answer".into());
                }
            }
            let body = &self.buffer[head.body..end];
            if !(200..300).contains(&head.status) {
                return Err(format!("status {}: {}", head.status, String::from_utf8_lossy(body)).into());
            }
            return Ok(body);
        }
    }
}

/// Returns None until the head is complete.
fn head(bytes: &[u8]) -> Result<Option<Head>, Error> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(body) = response.parse(bytes)? else { return Ok(None) };
    let status = response.code.ok_or("an answer without a status")?;
    let named = |name: &str| response.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
    let length = match named("content-length") {
        Some(header) => std::str::from_utf8(header.value)?.trim().parse()?,
        None if status == 204 => 0,
        None => return Err("an answer without a length".into()),
    };
    Ok(Some(Head { status, length, body }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_head_says_where_its_body_is() {
        let whole = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}";
        let found = head(whole).unwrap().unwrap();
        assert_eq!((found.status, found.length, found.body), (201, 2, whole.len() - 2));
        assert!(head(&whole[..30]).unwrap().is_none());
        assert_eq!(head(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap().unwrap().length, 0);
        assert!(head(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").is_err());
    }
}
