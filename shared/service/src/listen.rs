use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::connection;
use crate::limits::Limits;
use crate::shutdown::Shutdown;

/// A wait after an error of `accept`: out of file descriptors, it fails again at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

type Client = (TcpStream, SocketAddr);

/// Takes connections until `shutdown` is requested, lets them finish what they have begun, and
/// cuts what is left when the drain is over.
pub(crate) async fn serve(listener: TcpListener, router: Router, limits: Limits, shutdown: Shutdown) {
    let slots = Arc::new(Semaphore::new(limits.connections.get() as usize));
    let cut = CancellationToken::new();
    while let Some((client, slot)) = next(&listener, &slots, &shutdown).await {
        let (router, limits) = (router.clone(), limits.clone());
        let (shutdown, cut) = (shutdown.clone(), cut.clone());
        tokio::spawn(async move {
            let served = connection::serve(client, router, &limits, shutdown);
            cut.run_until_cancelled(served).await;
            drop(slot);
        });
    }
    drop(listener);
    drain(&slots, &limits, &cut).await;
}

async fn next(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
    shutdown: &Shutdown,
) -> Option<(Client, OwnedSemaphorePermit)> {
    tokio::select! {
        biased;
        () = shutdown.requested() => None,
        client = accept(listener, slots) => client,
    }
}

async fn accept(listener: &TcpListener, slots: &Arc<Semaphore>) -> Option<(Client, OwnedSemaphorePermit)> {
    // The slot comes first: a connection that nobody serves is better off in the kernel's queue.
    if slots.available_permits() == 0 {
        tracing::warn!("as many connections as are allowed are open, the next one waits");
    }
    let slot = Arc::clone(slots).acquire_owned().await.ok()?;
    loop {
        // Without TCP_NODELAY a small answer waits for the client's acknowledgement of the last.
        match listener.accept().await.and_then(|client| {
            client.0.set_nodelay(true)?;
            Ok(client)
        }) {
            Ok(client) => return Some((client, slot)),
            Err(error) if is_the_clients(&error) => tracing::debug!(%error, "a client left early"),
            Err(error) => {
                tracing::error!(%error, "cannot accept connections");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn is_the_clients(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, InvalidInput};
    // BSD says "invalid" of an option that is set on a connection which is gone.
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | InvalidInput)
}

async fn drain(slots: &Semaphore, limits: &Limits, cut: &CancellationToken) {
    // Whoever holds every slot knows that no connection is left.
    let every = limits.connections.get();
    if timeout(limits.drain, slots.acquire_many(every)).await.is_ok() {
        return;
    }
    tracing::warn!("the drain is over, connections that are left are cut");
    cut.cancel();
    // Never closed, so this can only mean that the last one has ended.
    let _ = slots.acquire_many(every).await;
}

#[cfg(test)]
mod tests;
