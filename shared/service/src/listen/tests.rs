#![allow(clippy::unwrap_used)]

use std::net::SocketAddr;
use std::num::NonZero;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::routing::{get, post};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::serve;
use crate::limits::Limits;
use crate::{Problem, Shutdown, client_address, read_body};

const SLOW: Duration = Duration::from_millis(300);
const BODY_DEADLINE: Duration = Duration::from_millis(200);
const LIMITS: Limits = Limits {
    connections: NonZero::new(8).unwrap(),
    headers: Duration::from_millis(200),
    idle: Duration::from_millis(800),
    hops: 1,
    drain: Duration::from_secs(1),
};
/// What a busy machine may add to any of these.
const GRACE: Duration = Duration::from_secs(2);

struct Server {
    address: SocketAddr,
    shutdown: Shutdown,
    task: JoinHandle<()>,
}

impl Server {
    async fn start(limits: Limits) -> Self {
        async fn echo(body: Body) -> Result<Bytes, Problem> {
            read_body(body, 1024, BODY_DEADLINE).await
        }
        async fn from(request: Request) -> String {
            format!("{:?}", client_address(request.extensions(), request.headers()))
        }
        let app = Router::new()
            .route("/", get(async || "hello"))
            .route("/from", get(from))
            .route("/slow", get(async || sleep(SLOW).await))
            .route("/echo", post(echo));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = Shutdown::new();
        let task = tokio::spawn(serve(listener, app, limits, shutdown.clone()));
        Self { address, shutdown, task }
    }

    async fn client(&self, first: &str) -> Client {
        let mut client = Client(TcpStream::connect(self.address).await.unwrap());
        client.send(first).await;
        client
    }

    async fn stop(self) -> Duration {
        let start = Instant::now();
        self.shutdown.request();
        timeout(LIMITS.drain + GRACE, self.task).await.unwrap().unwrap();
        start.elapsed()
    }
}

struct Client(TcpStream);

impl Client {
    async fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    /// Everything up to the end of the connection, by whichever means it ends.
    async fn rest(&mut self) -> String {
        let mut bytes = Vec::new();
        let read = self.0.read_to_end(&mut bytes);
        let _ = timeout(LIMITS.idle + GRACE, read).await.unwrap();
        String::from_utf8(bytes).unwrap()
    }

    async fn answer(&mut self) -> String {
        let mut bytes = vec![0; 4096];
        let read = timeout(GRACE, self.0.read(&mut bytes)).await.unwrap();
        bytes.truncate(read.unwrap());
        String::from_utf8(bytes).unwrap()
    }

    /// Sends a little now and then, up to the end of the connection.
    async fn drip(self, text: &'static str) -> String {
        let (mut input, mut output) = self.0.into_split();
        let dripping = tokio::spawn(async move {
            while output.write_all(text.as_bytes()).await.is_ok() {
                sleep(Duration::from_millis(20)).await;
            }
        });
        let mut bytes = Vec::new();
        let read = input.read_to_end(&mut bytes);
        let _ = timeout(LIMITS.drain + GRACE, read).await.unwrap();
        dripping.abort();
        String::from_utf8(bytes).unwrap()
    }
}

const HELLO: &str = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
const GET_SLOW: &str = "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n";
const HALF_A_BODY: &str = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf";

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
async fn http_2_is_turned_away() {
    let server = Server::start(LIMITS).await;
    let preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    server.client(preface).await.rest().await;
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
async fn one_connection_too_many_waits_for_another_to_end() {
    let one = Limits { connections: NonZero::<u32>::MIN, ..LIMITS };
    let server = Server::start(one).await;
    let mut first = server.client(HELLO).await;
    first.answer().await;
    let mut second = server.client(HELLO).await;
    let early = timeout(Duration::from_millis(100), second.0.readable()).await;
    assert!(early.is_err());
    drop(first);
    assert!(second.answer().await.ends_with("hello"));
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
