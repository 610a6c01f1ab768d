//! Malformed requests are refused, or their connection ends, and the next client is served.

use std::fmt::Write;

use super::harness::{HELLO, LIMITS, Server};

/// Returns the status of every answer on one connection, which the server must end.
async fn statuses(server: &Server, request: impl AsRef<[u8]>) -> Vec<String> {
    let rest = server.client(request).await.rest().await;
    let behind = rest.match_indices("HTTP/1.").filter_map(|(at, _)| rest.get(at + 9..at + 12));
    behind.filter(|status| status.parse::<u16>().is_ok()).map(str::to_owned).collect()
}

const CHUNKED: &str = "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n";

#[tokio::test]
async fn lengths_that_disagree_are_refused() {
    let server = Server::start(LIMITS).await;
    let post = "POST /echo HTTP/1.1\r\nHost: x\r\n";
    let hidden = format!("\r\n0\r\n\r\n{HELLO}");
    for lengths in [
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5, 6\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: 0x5\r\n",
        "Content-Length: 99999999999999999999\r\n",
        "Content-Length : 5\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Content-Length: 5\r\nTransfer-Encoding: identity\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
    ] {
        assert_eq!(statuses(&server, format!("{post}{lengths}{hidden}")).await, ["400"], "{lengths:?}");
    }
    let old = format!("POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n{hidden}");
    assert_eq!(statuses(&server, old).await, ["400"]);
    server.serves().await;
}

/// The standard says of a request with both: the chunks decide, and nothing that follows on the connection is believed.
#[tokio::test]
async fn chunks_outrank_a_length() {
    let server = Server::start(LIMITS).await;
    for length in [0, 3, 500] {
        let both = format!("{CHUNKED}Content-Length: {length}\r\n\r\n5\r\nabcde\r\n0\r\n\r\n{HELLO}");
        let answer = server.client(both).await.rest().await;
        assert!(answer.ends_with("\r\n\r\nabcde"), "{answer:?}");
    }
}

#[tokio::test]
async fn chunks_that_are_none_end_the_connection() {
    let server = Server::start(LIMITS).await;
    for chunk in
        ["zz\r\n", "-1\r\n", "fffffffffffffffff\r\n", "5\r\nabcdefg\r\n", "\r\n", "5;\n\r\nabcde\r\n"]
    {
        let hidden = format!("{CHUNKED}\r\n{chunk}0\r\n\r\n{HELLO}");
        assert_eq!(statuses(&server, hidden).await, ["400"], "{chunk:?}");
    }
    server.serves().await;
}

#[tokio::test]
async fn lines_that_are_malformed_are_refused() {
    let server = Server::start(LIMITS).await;
    for request in [
        "GET / HTTP/3.0\r\nHost: x\r\n\r\n",
        "GET / HTTP/1.2\r\nHost: x\r\n\r\n",
        "GET / http/1.1\r\nHost: x\r\n\r\n",
        "GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nX-A: a\0b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nX-A: a\rb\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nX A: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\n X-A: folded\r\n\r\n",
        "G@T / HTTP/1.1\r\nHost: x\r\n\r\n",
        "\x16\x03\x01\0\x05hello\r\n\r\n",
        "GET /\r\n\r\n",
    ] {
        assert_eq!(statuses(&server, request).await, ["400"], "{request:?}");
    }
    server.serves().await;
}

/// Returns an answer without the parts that differ each time.
fn told(answer: &str) -> String {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let kind = head.lines().find(|line| line.starts_with("content-type")).unwrap_or("no content-type");
    let body = body.split(",\"requestId\"").next().unwrap();
    format!("{} | {kind} | {body}", head.lines().next().unwrap())
}

#[tokio::test]
async fn a_request_has_one_host() {
    let server = Server::start(LIMITS).await;
    let mut all = String::new();
    for request in [
        "GET / HTTP/1.1\r\n",
        "GET /health HTTP/1.1\r\n",
        "GET http://elsewhere.example/ HTTP/1.1\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost:\r\n",
        "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n",
        "GET / HTTP/1.1\r\nHost: a b\r\n",
        "GET / HTTP/1.1\r\nHost: a@b\r\n",
        "GET / HTTP/1.1\r\nHost: a/b\r\n",
        "GET / HTTP/1.1\r\nHost: \u{e9}\r\n",
    ] {
        let answer = server.client(format!("{request}Connection: close\r\n\r\n")).await.rest().await;
        writeln!(all, "{request:?}\n    {}", told(&answer)).unwrap();
    }
    insta::assert_snapshot!(all, @r#"
    "GET / HTTP/1.1\r\n"
        HTTP/1.1 400 Bad Request | content-type: application/problem+json | {"type":"about:blank","title":"Bad Request","status":400,"detail":"Host is required in HTTP/1.1","field":"Host"
    "GET /health HTTP/1.1\r\n"
        HTTP/1.1 400 Bad Request | content-type: application/problem+json | {"type":"about:blank","title":"Bad Request","status":400,"detail":"Host is required in HTTP/1.1","field":"Host"
    "GET http://elsewhere.example/ HTTP/1.1\r\n"
        HTTP/1.1 400 Bad Request | content-type: application/problem+json | {"type":"about:blank","title":"Bad Request","status":400,"detail":"Host is required in HTTP/1.1","field":"Host"
    "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n"
        HTTP/1.1 400 Bad Request | content-type: application/problem+json | {"type":"about:blank","title":"Bad Request","status":400,"detail":"Host must be given once","field":"Host"
    "GET / HTTP/1.1\r\nHost: a\r\nHost:\r\n"
        HTTP/1.1 400 Bad Request | content-type: application/problem+json | {"type":"about:blank","title":"Bad Request","status":400,"detail":"Host must be given once","field":"Host"
    "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n"
        HTTP/1.0 400 Bad Request | content-type: application/problem+json | {"type":"about:blank","title":"Bad Request","status":400,"detail":"Host must be given once","field":"Host"
    "GET / HTTP/1.1\r\nHost: a b\r\n"
        HTTP/1.1 400 Bad Request | content-type: application/problem+json | {"type":"about:blank","title":"Bad Request","status":400,"detail":"Host must be a host, with or without a port","field":"Host"
    "GET / HTTP/1.1\r\nHost: a@b\r\n"
        HTTP/1.1 400 Bad Request | content-type: application/problem+json | {"type":"about:blank","title":"Bad Request","status":400,"detail":"Host must be a host, with or without a port","field":"Host"
    "GET / HTTP/1.1\r\nHost: a/b\r\n"
        HTTP/1.1 400 Bad Request | content-type: application/problem+json | {"type":"about:blank","title":"Bad Request","status":400,"detail":"Host must be a host, with or without a port","field":"Host"
    "GET / HTTP/1.1\r\nHost: é\r\n"
        HTTP/1.1 400 Bad Request | content-type: application/problem+json | {"type":"about:blank","title":"Bad Request","status":400,"detail":"Host must be a host, with or without a port","field":"Host"
    "#);
    for request in [
        "GET / HTTP/1.0\r\n",
        "GET / HTTP/1.0\r\nHost: a\r\n",
        "GET / HTTP/1.1\r\nHost:\r\n",
        "GET / HTTP/1.1\r\nhost: a.example:8080\r\n",
        "GET / HTTP/1.1\r\nHost: 192.0.2.1\r\n",
        "GET / HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n",
        "GET / HTTP/1.1\r\nHost: a_b.example\r\n",
    ] {
        let request = format!("{request}Connection: close\r\n\r\n");
        assert_eq!(statuses(&server, &request).await, ["200"], "{request:?}");
    }
}

#[tokio::test]
async fn what_is_too_long_is_refused() {
    let server = Server::start(LIMITS).await;
    let long = "x".repeat(100_000);
    let line = format!("GET /{long} HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(statuses(&server, line).await, ["431"]);
    let header = format!("GET / HTTP/1.1\r\nHost: x\r\nX-A: {long}\r\n\r\n");
    assert_eq!(statuses(&server, header).await, ["431"]);
    let many = format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", "X-A: b\r\n".repeat(200));
    assert_eq!(statuses(&server, many).await, ["431"]);
    server.serves().await;
}

/// hyper sends these answers itself, and without a body.
#[tokio::test]
async fn what_cannot_be_parsed_is_a_problem_too() {
    let server = Server::start(LIMITS).await;
    let hidden = format!("{HELLO}GET / HTTP/1.1\r\nno header\r\n\r\n");
    let long = format!("GET / HTTP/1.1\r\nHost: x\r\nX-A: {}\r\n\r\n", "x".repeat(100_000));
    let mut all = String::new();
    for request in
        ["GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n", "GET / HTTP/1.1\r\nHost : x\r\n\r\n", &hidden, &long]
    {
        let rest = server.client(request).await.rest().await;
        let last = &rest[rest.rfind("HTTP/1.1 4").unwrap()..];
        let length = last.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        assert_eq!(length, last.split_once("\r\n\r\n").unwrap().1.len().to_string());
        writeln!(all, "{}", told(last)).unwrap();
    }
    insta::assert_snapshot!(all, @r#"
    HTTP/1.1 400 Bad Request | content-type: application/problem+json | {"type":"about:blank","title":"Bad Request","status":400,"detail":"the request's first line or its headers are not as HTTP/1.1 has them"}
    HTTP/1.1 400 Bad Request | content-type: application/problem+json | {"type":"about:blank","title":"Bad Request","status":400,"detail":"the request's first line or its headers are not as HTTP/1.1 has them"}
    HTTP/1.1 400 Bad Request | content-type: application/problem+json | {"type":"about:blank","title":"Bad Request","status":400,"detail":"the request's first line or its headers are not as HTTP/1.1 has them"}
    HTTP/1.1 431 Request Header Fields Too Large | content-type: application/problem+json | {"type":"about:blank","title":"Request Header Fields Too Large","status":431,"detail":"the first line and the headers may have 65536 bytes, and 100 headers at the most","limit":65536}
    "#);
    server.serves().await;
}

#[tokio::test]
async fn other_forms_of_a_target_are_no_way_around_a_route() {
    let server = Server::start(LIMITS).await;
    for (line, status) in [
        ("GET http://elsewhere.example/ HTTP/1.1", "200"),
        ("GET http://elsewhere.example/nowhere HTTP/1.1", "404"),
        ("GET * HTTP/1.1", "404"),
        ("OPTIONS * HTTP/1.1", "404"),
        ("CONNECT elsewhere.example:80 HTTP/1.1", "404"),
        ("GET /../ HTTP/1.1", "404"),
        ("GET // HTTP/1.1", "404"),
        ("GET /%2e%2e/ HTTP/1.1", "404"),
    ] {
        let request = format!("{line}\r\nHost: x\r\nConnection: close\r\n\r\n");
        assert_eq!(statuses(&server, request).await, [status], "{line}");
    }
}

#[tokio::test]
async fn requests_in_a_row_are_answered_in_a_row() {
    let server = Server::start(LIMITS).await;
    let post = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n";
    let last = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let row: String = (10..60).map(|number| format!("{post}{number}")).chain([last.to_owned()]).collect();
    let rest = server.client(row).await.rest().await;
    let bodies: Vec<_> =
        rest.split("HTTP/1.1 200 OK").skip(1).map(|one| one.rsplit("\r\n").next().unwrap()).collect();
    let wanted: Vec<_> = (10..60).map(|number| number.to_string()).chain(["hello".to_owned()]).collect();
    assert_eq!(bodies, wanted);
    server.serves().await;
}
