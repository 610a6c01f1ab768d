use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::limits::Limits;
use crate::patience::{Patience, Why};

/// The connected clients. The number of places is limited, and no client keeps a place by waiting: if all places are
/// taken, a new client gets the place of the client that has kept the service waiting longest. So under a flood of slow
/// clients a prompt request is served, and a place whose request is being handled is never taken away.
#[derive(Clone)]
pub(crate) struct Clients {
    places: Arc<Semaphore>,
    all: u32,
    here: Arc<Mutex<Here>>,
}

#[derive(Default)]
struct Here {
    patience: HashMap<u64, Arc<Patience>>,
    next: u64,
    crowded: bool,
}

/// The place is freed when this is dropped.
pub(crate) struct Place {
    clients: Clients,
    number: u64,
    pub(crate) patience: Arc<Patience>,
    _permit: OwnedSemaphorePermit,
}

/// If every client has a request in progress, one may be idle after this time.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

impl Clients {
    pub(crate) fn new(limits: &Limits) -> Self {
        let all = limits.connections.get();
        Self { places: Arc::new(Semaphore::new(all as usize)), all, here: Arc::default() }
    }

    pub(crate) async fn place(&self, limits: &Limits) -> Option<Place> {
        let permit = match Arc::clone(&self.places).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => self.permit_of_another().await?,
        };
        let patience = Arc::new(Patience::new(limits));
        let mut here = self.here();
        here.next += 1;
        let number = here.next;
        here.patience.insert(number, Arc::clone(&patience));
        Some(Place { clients: self.clone(), number, patience, _permit: permit })
    }

    async fn permit_of_another(&self) -> Option<OwnedSemaphorePermit> {
        loop {
            self.make_room();
            let permit = Arc::clone(&self.places).acquire_owned();
            // The semaphore is never closed, so an error cannot come.
            if let Ok(permit) = timeout(LOOK_AGAIN, permit).await {
                return permit.ok();
            }
        }
    }

    /// Cuts the clients that have kept the service waiting longest.
    pub(crate) fn make_room(&self) {
        self.here().make_room();
    }

    /// Returns when no client is connected any more.
    pub(crate) async fn gone(&self) {
        // Holding every place means that all clients are gone. An error would mean that there are no places.
        let _ = self.places.acquire_many(self.all).await;
    }

    fn here(&self) -> MutexGuard<'_, Here> {
        self.here.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Here {
    fn make_room(&mut self) {
        if !self.crowded {
            self.crowded = true;
            tracing::warn!(
                "there are more connections than places: those that wait longest for their client are cut"
            );
        }
        if self.patience.values().any(|patience| patience.is_over()) {
            return;
        }
        let waiting =
            self.patience.values().filter_map(|patience| Some((patience.waiting_since()?, patience)));
        let mut waiting: Vec<_> = waiting.collect();
        waiting.sort_unstable_by_key(|(since, _)| *since);
        // Several clients are cut at once, so that the search for them does not delay a crowd of new clients.
        let few = (waiting.len() / 8).clamp(1, 32);
        for (_, patience) in waiting.into_iter().take(few) {
            patience.end(Why::Outlasted);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut here = self.clients.here();
        here.patience.remove(&self.number);
        // One line is logged for a crowd, and not for each client in it.
        if here.patience.len() < self.clients.all as usize / 2 {
            here.crowded = false;
        }
    }
}
