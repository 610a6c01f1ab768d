use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use super::harness::{GET_SLOW, HALF_A_BODY, HELLO, LIMITS, SLOW, Server};
use crate::limits::Limits;

#[tokio::test]
async fn a_client_that_never_finishes_its_headers_is_cut() {
    let server = Server::start(LIMITS).await;
    for first in ["", "PRI", "GET / HT", "GET / HTTP/1.1\r\nHost: x\r\n"] {
        let start = Instant::now();
        assert_eq!(server.client(first).await.rest().await, "", "{first:?}");
        assert!(start.elapsed() >= LIMITS.headers, "{first:?}");
    }
    let dripper = server.client("GET / HTTP/1.1\r\n").await;
    assert_eq!(dripper.drip("X-A: b\r\n").await, "");
}

#[tokio::test]
async fn a_dripped_body_is_refused_in_time() {
    let server = Server::start(LIMITS).await;
    let answer = server.client(HALF_A_BODY).await.drip("a").await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("within 200ms"), "{answer}");
}

#[tokio::test]
async fn a_client_that_still_sends_gets_its_refusal() {
    let server = Server::start(LIMITS).await;
    let head = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n";
    let mut client = server.client(head).await;
    for _ in 0..10 {
        client.send(&"x".repeat(100_000)).await;
        sleep(Duration::from_millis(20)).await;
    }
    let answer = client.rest().await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert!(answer.contains("1024 bytes"), "{answer}");
}

#[tokio::test]
async fn an_idle_connection_is_kept_longer_than_headers_may_take() {
    let server = Server::start(LIMITS).await;
    let mut client = server.client(HELLO).await;
    assert!(client.answer().await.ends_with("hello"));
    sleep(LIMITS.headers * 2).await;
    client.send(HELLO).await;
    assert!(client.answer().await.ends_with("hello"));
    let start = Instant::now();
    assert_eq!(client.rest().await, "");
    assert!(start.elapsed() >= LIMITS.idle / 2);
}

#[tokio::test]
async fn a_later_request_must_finish_its_headers_too() {
    let server = Server::start(LIMITS).await;
    let mut client = server.client(HELLO).await;
    client.answer().await;
    let start = Instant::now();
    assert_eq!(client.drip("X").await, "");
    assert!(start.elapsed() < LIMITS.idle);
}

#[tokio::test]
async fn a_request_knows_where_it_came_from() {
    let server = Server::start(LIMITS).await;
    let mut client = server.client("GET /from HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(client.answer().await.ends_with("Some(127.0.0.1)"));
    client.send("GET /from HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 127.0.0.1, 203.0.113.7\r\n\r\n").await;
    assert!(client.answer().await.ends_with("Some(203.0.113.7)"));
}

#[tokio::test]
async fn a_handler_may_take_longer_than_headers() {
    let server = Server::start(LIMITS).await;
    let answer = server.client(GET_SLOW).await.answer().await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn a_drain_answers_what_was_asked_and_closes_what_is_idle() {
    let server = Server::start(LIMITS).await;
    let mut idle = server.client(HELLO).await;
    idle.answer().await;
    let mut asking = server.client(GET_SLOW).await;
    sleep(SLOW / 3).await;
    let answers = tokio::spawn(async move { (idle.rest().await, asking.rest().await) });
    let took = server.stop().await;
    let (idle, asking) = answers.await.unwrap();
    assert_eq!(idle, "");
    assert!(asking.starts_with("HTTP/1.1 200"), "{asking}");
    assert!(asking.contains("connection: close"), "{asking}");
    assert!(took < LIMITS.drain, "{took:?}");
}

#[tokio::test]
async fn a_stopped_service_takes_no_connections() {
    let server = Server::start(LIMITS).await;
    let address = server.address;
    server.stop().await;
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_drain_ends_whatever_clients_do() {
    let patient = Limits { headers: Duration::from_mins(1), ..LIMITS };
    let server = Server::start(patient).await;
    let dripper = server.client("GET / HTTP/1.1\r\n").await;
    let dripping = tokio::spawn(dripper.drip("X-A: b\r\n"));
    sleep(Duration::from_millis(50)).await;
    let took = server.stop().await;
    assert!(took >= LIMITS.drain, "{took:?}");
    dripping.await.unwrap();
}
