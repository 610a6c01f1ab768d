//! A connection with a delay of a millisecond each way: a TCP proxy that holds every piece back for that long. Pieces
//! do not wait for each other.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

use crate::Error;
use crate::load::at_its_time;

const EACH_WAY: Duration = Duration::from_millis(1);

type Piece = Vec<u8>;
/// The time when a piece is due, and the channel on which it is sent on.
type Held = (Instant, (UnboundedSender<Piece>, Piece));

pub(crate) struct SlowWire {
    pub(crate) port: u16,
    task: JoinHandle<()>,
}

impl SlowWire {
    pub(crate) async fn to(server: u16) -> Result<Self, Error> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        // The delay is the same for all pieces, so they are due in the order in which they come, whichever connection
        // they belong to.
        let (hold, waiting) = mpsc::channel::<Held>();
        std::thread::spawn(move || {
            at_its_time(waiting, |_, (to, piece)| {
                // A closed connection drops its piece, and the other connections go on.
                let _ = to.send(piece);
                true
            });
        });
        let task = tokio::spawn(accept(listener, (Ipv4Addr::LOCALHOST, server).into(), hold));
        Ok(Self { port, task })
    }
}

impl Drop for SlowWire {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, server: SocketAddr, hold: mpsc::Sender<Held>) {
    while let Ok((client, _)) = listener.accept().await {
        tokio::spawn(carry(client, server, hold.clone()));
    }
}

/// Carries both directions. If one side hangs up, the other side sees it.
async fn carry(client: TcpStream, server: SocketAddr, hold: mpsc::Sender<Held>) -> std::io::Result<()> {
    let server = TcpStream::connect(server).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    for (from, to) in [(from_client, to_server), (from_server, to_client)] {
        let (sender, receiver) = unbounded_channel();
        tokio::spawn(read(from, sender, hold.clone()));
        tokio::spawn(write(receiver, to));
    }
    Ok(())
}

async fn read(mut from: OwnedReadHalf, to: UnboundedSender<Piece>, hold: mpsc::Sender<Held>) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let piece = buffer[..length].to_vec();
        if hold.send((Instant::now() + EACH_WAY, (to.clone(), piece))).is_err() {
            return;
        }
    }
}

async fn write(mut pieces: UnboundedReceiver<Piece>, mut to: OwnedWriteHalf) {
    while let Some(piece) = pieces.recv().await {
        if to.write_all(&piece).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn a_round_trip_takes_both_ways_and_arrives_whole() {
        let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let wire = SlowWire::to(server.local_addr().unwrap().port()).await.unwrap();
        let echo = tokio::spawn(async move {
            let (mut incoming, _) = server.accept().await.unwrap();
            let (mut from, mut to) = incoming.split();
            tokio::io::copy(&mut from, &mut to).await
        });
        let mut client = TcpStream::connect((Ipv4Addr::LOCALHOST, wire.port)).await.unwrap();
        let sent: Vec<u8> = (0_u8..=255).cycle().take(100_000).collect();
        let start = Instant::now();
        client.write_all(&sent).await.unwrap();
        let mut back = vec![0; sent.len()];
        client.read_exact(&mut back).await.unwrap();
        assert!(start.elapsed() >= 2 * EACH_WAY);
        assert_eq!(back, sent);
        drop(client);
        echo.await.unwrap().unwrap();
    }
}
