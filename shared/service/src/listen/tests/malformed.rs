//! Requests that are none: refused, or the connection ends; and the next client is served.

use super::harness::{HELLO, LIMITS, Server};

/// Every answer on one connection, which the server is to end.
async fn statuses(server: &Server, request: impl AsRef<[u8]>) -> Vec<String> {
    let rest = server.client(request).await.rest().await;
    rest.match_indices("HTTP/1.1 ").map(|(at, _)| rest[at + 9..at + 12].to_owned()).collect()
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

/// What the standard says of both: the chunks decide, and nothing that follows on the connection is believed.
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
