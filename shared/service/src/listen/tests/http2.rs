//! HTTP/2 without TLS, from a correct client and from others.

use std::sync::atomic::Ordering;
use std::time::Duration;

use reqwest::{StatusCode, Version};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep, timeout};

use super::harness::{Client, GRACE, LIMITS, SLOW, Server};
use crate::limits::Limits;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// The headers of a request in HPACK, only with the static table.
fn request(method: u8, path: &str) -> Vec<u8> {
    let length = u8::try_from(path.len()).unwrap();
    [&[method, 0x86, 0x04, length], path.as_bytes(), &[0x01, 1, b'x']].concat()
}

fn get(path: &str) -> Vec<u8> {
    request(0x82, path)
}

fn post(path: &str) -> Vec<u8> {
    request(0x83, path)
}

/// Returns whether the connection was still open.
async fn write(client: &mut Client, bytes: &[u8]) -> bool {
    client.0.write_all(bytes).await.is_ok()
}

fn reqwest() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().http2_prior_knowledge().build().unwrap()
}

impl Server {
    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    async fn http2(&self, frames: &[Vec<u8>]) -> Client {
        self.client([PREFACE, &frames.concat()].concat()).await
    }
}

impl Client {
    /// Returns the kinds of the frames up to the end of the connection.
    async fn frames(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let read = self.0.read_to_end(&mut bytes);
        let _ = timeout(LIMITS.idle + GRACE, read).await.unwrap();
        let mut kinds = Vec::new();
        let mut rest = &bytes[..];
        while let [high, middle, low, kind, _, _, _, _, _, after @ ..] = rest {
            kinds.push(*kind);
            let length = u32::from_be_bytes([0, *high, *middle, *low]);
            rest = after.get(length as usize..).unwrap_or_default();
        }
        kinds
    }
}

#[tokio::test]
async fn a_client_may_start_with_it() {
    let server = Server::start(LIMITS).await;
    let client = reqwest();
    let answer =
        client.get(server.url("/from")).header("x-forwarded-for", "203.0.113.7").send().await.unwrap();
    assert_eq!(answer.version(), Version::HTTP_2);
    assert_eq!(answer.text().await.unwrap(), "Some(203.0.113.7)");
    let answer = client.post(server.url("/echo")).body("a body").send().await.unwrap();
    assert_eq!(answer.text().await.unwrap(), "a body");
    let answer = client.post(server.url("/echo")).body("x".repeat(2000)).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
    server.serves().await;
}

#[tokio::test]
async fn one_connection_carries_many_requests_at_once() {
    let one = Limits { connections: std::num::NonZero::<u32>::MIN, ..LIMITS };
    let server = Server::start(one).await;
    let client = reqwest();
    let start = Instant::now();
    let asked = (0..50).map(|_| client.get(server.url("/slow")).send());
    for answer in futures::future::join_all(asked).await {
        assert_eq!(answer.unwrap().status(), StatusCode::OK);
    }
    assert!(start.elapsed() < SLOW * 25);
}

#[tokio::test]
async fn a_client_that_never_finishes_its_headers_is_cut() {
    let server = Server::start(LIMITS).await;
    let open = frame(HEADERS, END_STREAM, 1, &get("/"));
    for frames in [vec![], vec![open[..4].to_vec()], vec![open.clone()]] {
        let start = Instant::now();
        server.http2(&frames).await.frames().await;
        assert!(start.elapsed() >= LIMITS.headers, "{frames:?}");
        assert!(start.elapsed() < LIMITS.idle + GRACE, "{frames:?}");
    }
    // The deadline also holds for the headers of a later request.
    let patient = Limits { idle: Duration::from_mins(1), ..LIMITS };
    let server = Server::start(patient).await;
    let first = frame(HEADERS, END_HEADERS | END_STREAM, 1, &get("/"));
    // The client sends one frame a byte at a time, because the library itself counts frames.
    let more = frame(CONTINUATION, 0, 3, &[0; 10_000])[..9].to_vec();
    let client = server.http2(&[first, frame(HEADERS, END_STREAM, 3, &get("/")), more]).await;
    let dripping = async {
        while client.0.try_write(b"\0").is_ok() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(LIMITS.idle + GRACE, dripping).await.unwrap();
}

#[tokio::test]
async fn pings_do_not_keep_an_idle_connection() {
    let server = Server::start(LIMITS).await;
    let mut client = server.http2(&[frame(HEADERS, END_HEADERS | END_STREAM, 1, &get("/"))]).await;
    let start = Instant::now();
    let pinging = async {
        while client.0.try_write(&frame(PING, 0, 0, &[0; 8])).is_ok() {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(LIMITS.idle + GRACE, pinging).await.unwrap();
    assert!(start.elapsed() >= LIMITS.idle, "pings are no headers");
    client.frames().await;
}

#[tokio::test]
async fn a_dripped_body_is_refused_in_time() {
    let server = Server::start(LIMITS).await;
    let mut client = server.http2(&[frame(HEADERS, END_HEADERS, 1, &post("/echo"))]).await;
    client.send(frame(DATA, 0, 1, b"half")).await;
    let frames = client.frames().await;
    assert!(frames.contains(&HEADERS) && frames.contains(&DATA), "{frames:?}");
}

#[tokio::test]
async fn headers_without_end_are_refused() {
    let server = Server::start(LIMITS).await;
    // The client sends one literal header after the other.
    let many: Vec<u8> = (0..1000).flat_map(|_| [0, 1, b'a', 9].into_iter().chain(*b"bbbbbbbbb")).collect();
    let head = frame(HEADERS, END_STREAM, 1, &get("/slow"));
    let more = (0..200).map(|_| frame(CONTINUATION, 0, 1, &many));
    let last = frame(CONTINUATION, END_HEADERS, 1, b"");
    let frames: Vec<_> = std::iter::once(head).chain(more).chain([last]).collect();
    let mut client = server.http2(&[]).await;
    for frame in frames {
        if !write(&mut client, &frame).await {
            break;
        }
    }
    client.frames().await;
    assert_eq!(server.begun.load(Ordering::Relaxed), 0);
    server.serves().await;
}

/// The `pause` lets a request begin before it is taken back.
async fn takes_back(pause: Duration) {
    let server = Server::start(Limits { idle: Duration::from_mins(1), ..LIMITS }).await;
    let mut client = server.http2(&[]).await;
    let mut bursts = 0;
    for burst in 0..500 {
        let streams = (0..20).map(|request| (burst * 20 + request) * 2 + 1);
        let asked =
            streams.clone().flat_map(|id| frame(HEADERS, END_HEADERS | END_STREAM, id, &get("/slow")));
        let taken_back = streams.flat_map(|id| frame(RESET, 0, id, &8_u32.to_be_bytes()));
        let asked = write(&mut client, &asked.collect::<Vec<_>>()).await;
        sleep(pause).await;
        if !asked || !write(&mut client, &taken_back.collect::<Vec<_>>()).await {
            break;
        }
        bursts += 1;
    }
    assert!(bursts < 500, "all were taken");
    let begun = server.begun.load(Ordering::Relaxed);
    assert!(begun < 500, "{begun} were begun");
    server.serves().await;
}

#[tokio::test]
async fn who_takes_its_requests_back_is_cut() {
    takes_back(Duration::from_millis(5)).await;
    takes_back(Duration::ZERO).await;
}

#[tokio::test]
async fn garbage_after_the_preface_ends_the_connection() {
    let server = Server::start(LIMITS).await;
    for garbage in [&[0xff; 64][..], b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", &[0; 9]] {
        let mut client = server.http2(&[garbage.to_vec()]).await;
        let frames = client.frames().await;
        assert!(!frames.contains(&HEADERS), "{frames:?}");
    }
    server.serves().await;
}

#[tokio::test]
async fn a_drain_answers_what_was_asked_and_says_goodbye() {
    let server = Server::start(LIMITS).await;
    let client = reqwest();
    let asked = tokio::spawn(client.get(server.url("/slow")).send());
    // This client does not agree to the end.
    let mut silent = server.http2(&[frame(HEADERS, END_HEADERS | END_STREAM, 1, &get("/"))]).await;
    sleep(SLOW / 3).await;
    let frames = tokio::spawn(async move { silent.frames().await });
    server.stop().await;
    assert_eq!(asked.await.unwrap().unwrap().status(), StatusCode::OK);
    assert!(frames.await.unwrap().contains(&GOAWAY));
}
