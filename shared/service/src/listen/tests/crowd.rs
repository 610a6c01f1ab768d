//! There are more clients than places, and each of them is slow: others are served meanwhile.

use std::num::NonZero;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::harness::{Client, GET_SLOW, HELLO, LIMITS, Server};
use crate::limits::Limits;

const PLACES: u32 = 64;
/// No deadline ends within the test.
const PATIENT: Limits = Limits {
    connections: NonZero::new(PLACES).unwrap(),
    headers: Duration::from_mins(1),
    idle: Duration::from_mins(1),
    ..LIMITS
};

/// Starts clients that each send `first`, and then `then` a byte at a time for as long as they may. After that they
/// connect again.
async fn flood(server: &Server, clients: usize, first: &'static str, then: &'static str) {
    for _ in 0..clients {
        let address = server.address;
        tokio::spawn(async move {
            loop {
                let mut client = Client(TcpStream::connect(address).await.unwrap());
                client.send(first).await;
                for byte in then.as_bytes().iter().cycle() {
                    sleep(Duration::from_millis(100)).await;
                    if client.0.try_write(&[*byte]).is_err() {
                        break;
                    }
                }
            }
        });
    }
    // All clients are connected after this time.
    sleep(Duration::from_millis(300)).await;
}

#[tokio::test]
async fn a_thousand_that_drip_headers_leave_room_for_others() {
    let server = Server::start(PATIENT).await;
    flood(&server, 1000, "GET / HTTP/1.1\r\n", "X-A: b\r\n").await;
    server.serves().await;
}

#[tokio::test]
async fn bodies_that_drip_leave_room_for_others() {
    let server = Server::start(PATIENT).await;
    let head = "POST /patient HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n";
    flood(&server, 200, head, "x").await;
    server.serves().await;
}

#[tokio::test]
async fn idle_connections_leave_room_for_others() {
    let server = Server::start(PATIENT).await;
    let mut idle = Vec::new();
    for _ in 0..200 {
        let mut client = server.client(HELLO).await;
        client.answer().await;
        idle.push(client);
    }
    server.serves().await;
    // The first clients had to make room, and the last one did not.
    assert_eq!(idle[0].rest().await, "");
    let mut last = idle.pop().unwrap();
    last.send(HELLO).await;
    assert!(last.answer().await.ends_with("hello"));
}

#[tokio::test]
async fn sockets_that_are_half_closed_hold_nothing() {
    let server = Server::start(PATIENT).await;
    let mut half = Vec::new();
    for first in ["", "GET / HT", "POST /patient HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf"] {
        let mut client = server.client(first).await;
        tokio::io::AsyncWriteExt::shutdown(&mut client.0).await.unwrap();
        half.push(client);
    }
    server.serves().await;
    for mut client in half {
        client.rest().await;
    }
}

#[tokio::test]
async fn a_place_where_we_are_at_work_is_not_taken() {
    let one = Limits { connections: NonZero::<u32>::MIN, ..PATIENT };
    let server = Server::start(one).await;
    let mut first = server.client(GET_SLOW).await;
    sleep(Duration::from_millis(50)).await;
    let mut second = server.client(HELLO).await;
    let early = timeout(Duration::from_millis(100), second.0.readable()).await;
    assert!(early.is_err());
    assert!(first.answer().await.starts_with("HTTP/1.1 200"));
    assert!(second.answer().await.ends_with("hello"));
}
