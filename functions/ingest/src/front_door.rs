use axum::Router;
use door::Door;
use service::BoxError;
use store::Store;
use tokio::task::JoinHandle;

use crate::config::Senders;
use crate::keys::KeyRing;

/// Decides which callers may send events. A request is refused before any of its body is read.
#[derive(Clone)]
pub enum FrontDoor {
    Keys(KeyRing),
    Callers(Door),
}

impl FrontDoor {
    /// Also returns the task that keeps the front door up to date.
    pub(crate) fn open(senders: Senders, store: Store) -> Result<(Self, JoinHandle<()>), BoxError> {
        Ok(match senders {
            Senders::Keys => {
                let ring = KeyRing::new(store);
                let keeper = tokio::spawn(ring.clone().keep());
                (Self::Keys(ring), keeper)
            }
            Senders::Callers(callers) => {
                (Self::Callers(callers.door()?), tokio::spawn(std::future::pending()))
            }
        })
    }

    pub(crate) fn guard<S: Clone + Send + Sync + 'static>(self, router: Router<S>) -> Router<S> {
        match self {
            Self::Keys(ring) => ring.guard(router),
            Self::Callers(door) => door.guard(router),
        }
    }
}
