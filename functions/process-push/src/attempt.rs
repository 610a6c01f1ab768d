use event::AttemptEnd;
use serde::de::DeserializeOwned;
use store::{Claim, Store, Transaction};
use tokio::time::Instant;

use crate::clock::HandlerClock;

/// What a handler is given: the event, which attempt this is, and a transaction that commits together with the outcome.
pub struct Attempt {
    pub event: Claim,
    /// Before the lease is over: then another process may claim the event.
    until: Instant,
    clock: HandlerClock,
    store: Store,
    transaction: Option<Transaction>,
}

/// Why an attempt did not succeed, and so what follows.
#[derive(Debug, PartialEq, Eq)]
pub enum Failure {
    /// Try again, while there are retries left.
    Retry(String),
    /// No retry can help: the event is dead at once, and can be replayed.
    Permanent(String),
    /// Its session with the database was lost. It is on record and is no try, but the twentieth is the end.
    Interrupted(String),
    /// The service had no time or no connection for it. It is on record and counts for nothing.
    Released(String),
}

impl Attempt {
    pub(crate) fn new(event: Claim, until: Instant, clock: HandlerClock, store: Store) -> Self {
        Self { event, until, clock, store, transaction: None }
    }

    /// The number of this attempt over the event's whole life; a replay does not reset it.
    pub fn number(&self) -> u32 {
        self.event.attempt
    }

    /// The payload as a type of the handler's own. One that does not fit never will.
    pub fn payload<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_str(self.event.payload.get())
            .map_err(|error| Failure::Permanent(format!("the payload does not fit this handler: {error}")))
    }

    /// Opened at first use. What is done in it commits with PROCESSED, or not at all. The wait for it is not the handler's time.
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

/// A database that is away is no fault of the event's. What a handler's own SQL does, a deadlock or a statement that takes too long
/// among it, is a try: otherwise an event whose SQL always fails would never end.
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
