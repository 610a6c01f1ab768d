//! A connection to PostgreSQL that stops at one statement before the server receives it.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use local::postgres;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot, watch};

const SSL_REQUEST: [u8; 4] = 80_877_103_i32.to_be_bytes();

pub(crate) struct Wire {
    pub(crate) url: String,
    reached: mpsc::Receiver<oneshot::Sender<()>>,
}

#[derive(Clone)]
struct Stop {
    statements: Arc<AtomicU32>,
    at: u32,
    reached: mpsc::Sender<oneshot::Sender<()>>,
    /// While this is false, no session sees that the server is gone, and no session begins. A slow client therefore
    /// meets the next server.
    is_open: watch::Sender<bool>,
}

impl Stop {
    async fn is_over(&self) {
        let _ = self.is_open.subscribe().wait_for(|is_open| *is_open).await;
    }
}

impl Wire {
    pub(crate) async fn to(server: u16, at: u32) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = postgres::url(listener.local_addr().unwrap().port());
        let (reached, told) = mpsc::channel(1);
        let is_open = watch::Sender::new(true);
        let stop = Stop { statements: Arc::default(), at, reached, is_open };
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let stop = stop.clone();
                tokio::spawn(async move {
                    stop.is_over().await;
                    let server = TcpStream::connect((Ipv4Addr::LOCALHOST, server)).await?;
                    connect(client, server, stop).await
                });
            }
        });
        Self { url, reached: told }
    }

    /// Waits for the statement. The statement goes on when a value is sent to the returned sender.
    pub(crate) async fn reached(&mut self) -> oneshot::Sender<()> {
        self.reached.recv().await.unwrap()
    }
}

async fn connect(client: TcpStream, server: TcpStream, stop: Stop) -> std::io::Result<()> {
    let ((mut from, mut back), (mut answers, mut to)) = (client.into_split(), server.into_split());
    loop {
        let start = message(&mut from).await?;
        to.write_all(&start).await?;
        if start[4..] != SSL_REQUEST {
            break;
        }
        back.write_u8(answers.read_u8().await?).await?;
    }
    let seen = stop.clone();
    let answering = tokio::spawn(async move {
        // The copy ends with an error if the server is gone.
        let _ = copy(&mut answers, &mut back).await;
        seen.is_over().await;
        back.shutdown().await
    });
    let asked = ask(&mut from, &mut to, stop).await;
    drop(to);
    let _ = answering.await;
    asked
}

async fn ask(from: &mut OwnedReadHalf, to: &mut OwnedWriteHalf, stop: Stop) -> std::io::Result<()> {
    loop {
        let kind = from.read_u8().await?;
        let body = message(from).await?;
        // Counts executions of prepared statements and plain queries. These include the check that the pool runs on a
        // session. If that check fails, the pool takes another session.
        let is_statement = matches!(kind, b'E' | b'Q');
        if is_statement && stop.statements.fetch_add(1, Ordering::SeqCst) + 1 == stop.at {
            let (go_on, told) = oneshot::channel();
            stop.is_open.send_replace(false);
            let _ = stop.reached.send(go_on).await;
            let _ = told.await;
            stop.is_open.send_replace(true);
        }
        to.write_u8(kind).await?;
        to.write_all(&body).await?;
    }
}

/// Reads a length, and the bytes that belong to it.
async fn message(from: &mut OwnedReadHalf) -> std::io::Result<Vec<u8>> {
    let length = from.read_u32().await?;
    let mut message = length.to_be_bytes().to_vec();
    message.resize(length as usize, 0);
    from.read_exact(&mut message[4..]).await?;
    Ok(message)
}
