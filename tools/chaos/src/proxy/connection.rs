use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::watch;
use tokio::time::sleep;

use super::{Servers, Weather};

/// The connection has to end with a reset on both sides.
struct Broken;

#[derive(Clone, Copy, PartialEq)]
enum Direction {
    Request,
    Response,
}

pub(super) async fn carry(client: TcpStream, servers: Arc<Servers>, weather: watch::Receiver<Weather>) {
    let _ = (client.set_nodelay(true), client.set_zero_linger());
    let mut seen = weather.clone();
    if pass(&mut seen).await.is_err() {
        return;
    }
    let Some(server) = servers.connect().await else { return };
    let _ = (server.set_nodelay(true), server.set_zero_linger());
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let both = async {
        tokio::try_join!(
            pump(&mut from_client, &mut to_server, Direction::Request, weather.clone()),
            pump(&mut from_server, &mut to_client, Direction::Response, weather.clone()),
        )
    };
    // The linger time is zero, so dropping a socket resets its connection.
    tokio::select! {
        _ = both => {}
        _ = seen.wait_for(|weather| *weather == Weather::Reset) => {}
    }
}

async fn pump(
    from: &mut OwnedReadHalf,
    to: &mut OwnedWriteHalf,
    direction: Direction,
    mut weather: watch::Receiver<Weather>,
) -> Result<(), Broken> {
    let mut piece = vec![0; 64 * 1024];
    loop {
        let length = from.read(&mut piece).await.map_err(|_| Broken)?;
        if length == 0 {
            // The other direction may still carry bytes.
            return to.shutdown().await.map_err(|_| Broken);
        }
        pass(&mut weather).await?;
        if is_lost(*weather.borrow(), direction) {
            return Err(Broken);
        }
        to.write_all(&piece[..length]).await.map_err(|_| Broken)?;
    }
}

/// Waits until the weather lets a piece through.
async fn pass(weather: &mut watch::Receiver<Weather>) -> Result<(), Broken> {
    let now = *weather.wait_for(|weather| *weather != Weather::BlackHole).await.map_err(|_| Broken)?;
    match now {
        Weather::Reset => return Err(Broken),
        Weather::Slow(time) => sleep(time).await,
        _ => {}
    }
    Ok(())
}

fn is_lost(weather: Weather, direction: Direction) -> bool {
    match (weather, direction) {
        (Weather::LoseRequests(odds), Direction::Request)
        | (Weather::LoseResponses(odds), Direction::Response) => rand::random_bool(odds),
        _ => false,
    }
}
