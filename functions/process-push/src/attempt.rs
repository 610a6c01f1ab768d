use event::AttemptEnd;
use serde::de::DeserializeOwned;
use store::{Claim, Store, Transaction};
use tokio::time::Instant;

use crate::clock::HandlerClock;

/// The input of a handler: the event, the number of the attempt, and a transaction that commits together with the
/// outcome.
pub struct Attempt {
    pub event: Claim,
    /// The time when the attempt must end. It is before the end of the lease, when another process may claim the event.
    until: Instant,
    clock: HandlerClock,
    store: Store,
    transaction: Option<Transaction>,
}

/// The reason why an attempt did not succeed, which decides what follows.
#[derive(Debug, PartialEq, Eq)]
pub enum Failure {
    /// The event is tried again, while there are retries left.
    Retry(String),
    /// No retry can help: the event is dead at once, and can be replayed.
    Permanent(String),
    /// The attempt lost its session with the database. It is recorded and is no try, but the event ends with the
    /// twentieth.
    Interrupted(String),
    /// The service had no time or no connection for the attempt. It is recorded and counts for nothing.
    Released(String),
}

impl Attempt {
    pub(crate) fn new(event: Claim, until: Instant, clock: HandlerClock, store: Store) -> Self {
        Self { event, until, clock, store, transaction: None }
    }

    /// The number of this attempt over the whole life of the event; a replay does not reset it.
    pub fn number(&self) -> u32 {
        self.event.attempt
    }

    /// Parses the payload as a type of the handler. A payload that does not fit is a permanent failure, because it
    /// never will.
    pub fn payload<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_str(self.event.payload.get())
            .map_err(|error| Failure::Permanent(format!("the payload does not fit this handler: {error}")))
    }

    /// Returns the transaction, which is opened at first use. Its changes commit with PROCESSED, or not at all. The
    /// wait for it is not part of the handler's time.
    pub async fn transaction(&mut self) -> Result<&mut Transaction, Failure> {
        let transaction = if let Some(transaction) = self.transaction.take() {
            transaction
        } else {
            let _stopped = self.clock.stop();
            self.store.begin_attempt(self.event.id, self.event.attempt, self.until).await?
        };
        Ok(self.transaction.insert(transaction))
    }

    pub(crate) fn into_transaction(self) -> Option<Transaction> {
        self.transaction
    }
}

impl From<Failure> for (AttemptEnd, String) {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Retry(reason) => (AttemptEnd::Failed, reason),
            Failure::Permanent(reason) => (AttemptEnd::Permanent, reason),
            Failure::Interrupted(reason) => (AttemptEnd::Interrupted, reason),
            Failure::Released(reason) => (AttemptEnd::Released, reason),
        }
    }
}

/// A database that is unavailable is not the fault of the event. A failure of the handler's own SQL, such as a deadlock
/// or a statement that takes too long, is a try: otherwise an event whose SQL always fails would never end.
impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        if error.is_wait_for_connection() {
            Self::Released("no connection to the database was free in time".into())
        } else if error.is_loss_of_session() {
            Self::Interrupted(error.to_string())
        } else {
            Self::Retry(error.to_string())
        }
    }
}
