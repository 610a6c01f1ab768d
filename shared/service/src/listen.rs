use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::clients::{Clients, Place};
use crate::connection;
use crate::limits::Limits;
use crate::shutdown::Shutdown;

/// The wait after an error of `accept`, which fails again at once if there are no file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

type Client = (TcpStream, SocketAddr);

/// Accepts connections until `shutdown` is requested, lets them finish the requests that have begun, and cuts the
/// remaining connections when the drain is over.
pub(crate) async fn serve(listener: TcpListener, router: Router, limits: Limits, shutdown: Shutdown) {
    let clients = Clients::new(&limits);
    let cut = CancellationToken::new();
    while let Some((client, place)) = next(&listener, &clients, &limits, &shutdown).await {
        let (router, limits) = (router.clone(), limits.clone());
        let (shutdown, cut) = (shutdown.clone(), cut.clone());
        tokio::spawn(async move {
            let patience = Arc::clone(&place.patience);
            let served = connection::serve(client, router, &limits, patience, shutdown);
            cut.run_until_cancelled(served).await;
            drop(place);
        });
    }
    drop(listener);
    drain(&clients, &limits, &cut).await;
}

async fn next(
    listener: &TcpListener,
    clients: &Clients,
    limits: &Limits,
    shutdown: &Shutdown,
) -> Option<(Client, Place)> {
    tokio::select! {
        biased;
        () = shutdown.requested() => None,
        // At most one client waits for a place with an accepted socket: the others wait in the kernel's queue.
        client = async { Some((accept(listener, clients).await, clients.place(limits).await?)) } => client,
    }
}

async fn accept(listener: &TcpListener, clients: &Clients) -> Client {
    loop {
        // Without TCP_NODELAY a small answer waits until the client acknowledges the previous one.
        match listener.accept().await.and_then(|client| {
            client.0.set_nodelay(true)?;
            Ok(client)
        }) {
            Ok(client) => return client,
            Err(error) if is_the_clients(&error) => tracing::debug!(%error, "a client left early"),
            Err(error) => {
                tracing::error!(%error, "cannot accept connections");
                clients.make_room();
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn is_the_clients(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, InvalidInput};
    // BSD reports "invalid" if an option is set on a closed connection.
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | InvalidInput)
}

async fn drain(clients: &Clients, limits: &Limits, cut: &CancellationToken) {
    if timeout(limits.drain, clients.gone()).await.is_ok() {
        return;
    }
    tracing::warn!("the drain is over, connections that are left are cut");
    cut.cancel();
    clients.gone().await;
}

#[cfg(test)]
mod tests;
