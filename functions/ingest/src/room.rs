use std::sync::Arc;

use service::Problem;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::problems;

/// What all batches may hold that are being read. It is taken as the bytes come, so that who sends slowly holds no more than he
/// has sent; single events are small, and take none.
const MAX_BYTES: usize = 64 * 1024 * 1024;

#[derive(Clone)]
pub(crate) struct Room(Arc<Semaphore>);

pub(crate) struct Held {
    room: Room,
    bytes: Option<OwnedSemaphorePermit>,
}

impl Room {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(MAX_BYTES)))
    }

    pub(crate) fn enter(&self) -> Held {
        Held { room: self.clone(), bytes: None }
    }
}

impl Held {
    pub(crate) fn grow(&mut self, bytes: usize) -> Result<(), Problem> {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let Ok(more) = self.room.0.clone().try_acquire_many_owned(bytes) else {
            return Err(
                problems::try_again("too many bytes of batches are being read").with("limit", MAX_BYTES)
            );
        };
        match &mut self.bytes {
            Some(held) => held.merge(more),
            None => self.bytes = Some(more),
        }
        Ok(())
    }
}
