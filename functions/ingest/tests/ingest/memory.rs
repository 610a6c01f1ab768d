//! Bounds on the memory that many requests can make the service hold, and that one sender can take from the others.

use std::time::Duration;

use async_compression::Level;
use async_compression::tokio::write::ZstdEncoder;
use async_compression::zstd::CParameter;
use axum::body::Body;
use axum::http::StatusCode;
use futures::future::join_all;
use futures::{StreamExt, stream};
use service::Peer;
use service::testing::call;
use store::KeySettings;
use store::testing::database;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::batch::batch;
use crate::harness::{MEMORY_BYTES, router_with_keys};
use crate::keys::{made, settings};
use crate::process::Process;

const EVENT: &str = r#"{"eventType":"a","payload":{}}"#;
/// In MiB. The container has 512, and about 160 were measured.
const BOUND: usize = 256;
const REQUESTS: usize = 200;

/// A body of `bytes` spaces, compressed with the largest possible window, without its last byte.
async fn stalled(bytes: usize) -> Vec<u8> {
    let window = [CParameter::window_log(23)];
    let mut encoder = ZstdEncoder::with_quality_and_params(Vec::new(), Level::Best, &window);
    encoder.write_all(&vec![b' '; bytes]).await.unwrap();
    encoder.shutdown().await.unwrap();
    let mut body = encoder.into_inner();
    body.pop();
    body
}

/// Sends an HTTP/1.1 request whose body lacks `missing` bytes, so that it does not end.
async fn send(port: u16, path: &str, from: &str, encoding: &str, body: &[u8], missing: usize) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {from}\r\nContent-Type: application/json\r\n\
         Content-Encoding: {encoding}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len() + missing
    );
    stream.write_all(&[head.as_bytes(), body].concat()).await.unwrap();
    stream
}

async fn answer(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    timeout(Duration::from_mins(1), stream.read_to_end(&mut answer)).await.unwrap().unwrap();
    String::from_utf8(answer).unwrap()
}

/// The frames of `requests` requests on one HTTP/2 connection, none of which ends.
fn multiplexed(requests: usize, first: usize, body: &[u8]) -> Vec<u8> {
    let frame = |kind: u8, flags: u8, stream: usize, payload: &[u8]| {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let stream = u32::try_from(stream).unwrap().to_be_bytes();
        [&length[1..], &[kind, flags], &stream, payload].concat()
    };
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    bytes.extend(frame(4, 0, 0, &[]));
    for n in 0..requests {
        let from = address(first + n);
        let mut block = Vec::new();
        for (name, value) in [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", "/events"),
            (":authority", "x"),
            ("content-type", "application/json"),
            ("content-encoding", "zstd"),
            ("x-forwarded-for", &from),
        ] {
            for text in [name, value] {
                // A literal that is in no table and not in Huffman code.
                if text == name {
                    block.push(0);
                }
                block.push(u8::try_from(text.len()).unwrap());
                block.extend(text.as_bytes());
            }
        }
        bytes.extend(frame(1, 4, 2 * n + 1, &block));
        bytes.extend(frame(0, 0, 2 * n + 1, body));
    }
    bytes
}

/// Each request has another address, so that the share of one sender is not what limits them.
fn address(n: usize) -> String {
    format!("198.51.{}.{}", n / 250, n % 250)
}

async fn serves(port: u16, from: &str) -> String {
    answer(send(port, "/events", from, "identity", EVENT.as_bytes(), 0).await).await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_windows_at_once_stay_within_the_budget() {
    let database = database().await;
    let process = Process::start(&database.url, &[("FORWARDED_HOPS", "1")]).await;
    let body = stalled(1_000_000).await;
    assert!(body.len() < 200, "{}", body.len());
    let addresses = (0..REQUESTS).map(address);
    let crowd =
        join_all(addresses.map(async |from| send(process.port, "/events", &from, "zstd", &body, 1).await))
            .await;
    let answers = join_all(crowd.into_iter().map(answer)).await;
    println!("peak over HTTP/1.1: {:?} MiB", process.peak());
    assert!(process.peak().is_none_or(|peak| peak < BOUND), "{:?} MiB", process.peak());
    // A request that got memory kept it until its body was too slow.
    let of = |start: &str| answers.iter().filter(|answer| answer.starts_with(start)).count();
    let (slow, refused) = (of("HTTP/1.1 408 "), of("HTTP/1.1 503 "));
    assert_eq!(slow + refused, REQUESTS, "{answers:?}");
    assert!(slow >= 20, "{slow}");
    let told = answers.iter().find(|answer| answer.starts_with("HTTP/1.1 503 ")).unwrap();
    assert!(
        told.contains("hold too much memory") && told.contains(&format!(r#""limit":{MEMORY_BYTES}"#)),
        "{told}"
    );
    assert!(serves(process.port, &address(0)).await.starts_with("HTTP/1.1 201 "));

    // A hundred requests on each of ten HTTP/2 connections.
    let crowd = join_all((0..10).map(async |n| {
        let mut stream = TcpStream::connect(("127.0.0.1", process.port)).await.unwrap();
        stream.write_all(&multiplexed(100, 100 * n, &body)).await.unwrap();
        stream
    }));
    let crowd = crowd.await;
    sleep(Duration::from_secs(3)).await;
    println!("peak over HTTP/2 too: {:?} MiB", process.peak());
    assert!(process.peak().is_none_or(|peak| peak < BOUND), "{:?} MiB", process.peak());
    drop(crowd);
    let served = async { while !serves(process.port, &address(0)).await.starts_with("HTTP/1.1 201 ") {} };
    timeout(Duration::from_mins(1), served).await.unwrap();
}

/// A stalled request of some kilobytes holds megabytes.
#[tokio::test(flavor = "multi_thread")]
async fn others_are_served_while_one_address_stalls() {
    let database = database().await;
    let process = Process::start(&database.url, &[("FORWARDED_HOPS", "1")]).await;
    // The first bodies are as large as possible, and the smaller ones take the memory that is left.
    let mut stalling = Vec::new();
    for size in [10 << 20, 1 << 20, 256 << 10] {
        let body = stalled(size).await;
        assert!(body.len() < 2_000, "{}", body.len());
        for _ in 0..28 {
            stalling.push(send(process.port, "/events/batch", "203.0.113.7", "zstd", &body, 1).await);
        }
        sleep(Duration::from_millis(500)).await;
    }
    let one = format!("[{EVENT}{}]", " ".repeat(150_000));
    let others = (0..28).map(address).map(async |from| {
        answer(send(process.port, "/events/batch", &from, "identity", one.as_bytes(), 0).await).await
    });
    for answer in join_all(others).await {
        assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    }
    let answers = join_all(stalling.into_iter().map(answer)).await;
    let of = |start: &str| answers.iter().filter(|answer| answer.starts_with(start)).collect::<Vec<_>>();
    let (slow, refused) = (of("HTTP/1.1 408 "), of("HTTP/1.1 429 "));
    assert_eq!(slow.len() + refused.len(), answers.len(), "{answers:?}");
    assert!(
        slow[0].contains("the body arrives with less than 4096 bytes a second, 5s after its beginning"),
        "{}",
        slow[0]
    );
    let told = format!(
        "the requests of this address that are under way hold too much memory: they may hold {} bytes",
        MEMORY_BYTES / 4
    );
    assert!(refused[0].contains(&told) && refused[0].contains("retry-after: 1"), "{}", refused[0]);
    assert!(serves(process.port, "203.0.113.7").await.starts_with("HTTP/1.1 201 "));
}

/// A body of which ten megabytes have arrived, and more may come.
fn unended() -> Body {
    let megabytes = (0..10).map(|_| Ok::<_, std::io::Error>(" ".repeat(1 << 20)));
    Body::from_stream(stream::iter(megabytes).chain(stream::pending()))
}

#[tokio::test]
async fn a_key_has_its_share_from_wherever_it_comes() {
    let database = database().await;
    let router = router_with_keys(database.store.clone(), None).await;
    let (_, greedy) = made(&database.store, settings()).await;
    let (_, other) = made(&database.store, KeySettings { name: "other".into(), ..settings() }).await;
    let post = |key: &str, from: usize, body: Body| {
        let mut request = batch("application/json", body);
        let address = format!("{}:1", address(from)).parse().unwrap();
        request.extensions_mut().insert(Peer { address, hops: 0 });
        request.headers_mut().insert("x-api-key", key.parse().unwrap());
        call(router.clone(), request)
    };
    let stalling: Vec<_> = (0..3).map(|n| tokio::spawn(post(&greedy, n, unended()))).collect();
    // Three requests have thirty of the key's forty megabytes.
    let full = loop {
        let answer = post(&greedy, 100, Body::from(" ".repeat(10 << 20))).await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            break answer;
        }
        answer.problem(StatusCode::BAD_REQUEST);
    };
    assert_eq!(full.header("retry-after"), "1");
    let problem = full.problem(StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(problem["limit"], MEMORY_BYTES / 4);
    let told = problem["detail"].as_str().unwrap();
    assert!(
        told.starts_with("the requests of this API key that are under way hold too much memory"),
        "{told}"
    );
    // Another key has its own share, also from the same addresses.
    let answer = post(&other, 0, Body::from(format!("[{EVENT}{}]", " ".repeat(9 << 20)))).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    for task in stalling {
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
    }
    assert_eq!(post(&greedy, 100, Body::from(format!("[{EVENT}]"))).await.status, StatusCode::CREATED);
}
