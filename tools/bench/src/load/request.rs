use std::fmt::Write;

/// The head of a request, as it is sent.
#[derive(Clone)]
pub(crate) struct Request {
    head: String,
}

impl Request {
    pub(crate) fn post(path: &str) -> Self {
        Self {
            head: format!("POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"),
        }
    }

    pub(crate) fn get(path: &str) -> Self {
        Self { head: format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n") }
    }

    #[must_use]
    pub(crate) fn bearer(mut self, token: Option<&str>) -> Self {
        if let Some(token) = token {
            // Writing to a string cannot fail.
            let _ = write!(self.head, "authorization: Bearer {token}\r\n");
        }
        self
    }

    pub(crate) fn with(&self, body: &[u8]) -> Vec<u8> {
        let mut bytes = format!("{}content-length: {}\r\n\r\n", self.head, body.len()).into_bytes();
        bytes.extend_from_slice(body);
        bytes
    }

    pub(crate) fn bare(&self) -> Vec<u8> {
        format!("{}\r\n", self.head).into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_what_a_server_reads() {
        let post = Request::post("/events").bearer(Some("efk_1")).with(b"{}");
        let text = String::from_utf8_lossy(&post).into_owned();
        assert!(text.starts_with("POST /events HTTP/1.1\r\nhost: localhost\r\n"), "{text}");
        assert!(text.ends_with("authorization: Bearer efk_1\r\ncontent-length: 2\r\n\r\n{}"), "{text}");
        let get = Request::get("/admin/metrics").bearer(None).bare();
        assert_eq!(get, b"GET /admin/metrics HTTP/1.1\r\nhost: localhost\r\n\r\n");
    }
}
