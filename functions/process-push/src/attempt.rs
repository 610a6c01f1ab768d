use std::time::Duration;

use event::AttemptEnd;
use serde::de::DeserializeOwned;
use store::{Claim, Store, Transaction};
use tokio::time::Instant;

/// What a handler is given: the event, which attempt this is, and a transaction that commits together with the outcome.
pub struct Attempt {
    pub event: Claim,
    /// When the handler is ended, by the clock of this process.
    pub deadline: Instant,
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
    /// Our own drain or database ended it. It is on record and is no try.
    Interrupted(String),
}

impl Attempt {
    pub(crate) fn new(event: Claim, limit: Duration, store: Store) -> Self {
        Self { event, deadline: Instant::now() + limit, store, transaction: None }
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

    /// Opened at first use. What is done in it commits with PROCESSED, or not at all.
    pub async fn transaction(&mut self) -> Result<&mut Transaction, Failure> {
        let transaction = match self.transaction.take() {
            Some(transaction) => transaction,
            None => self.store.begin(self.deadline.saturating_duration_since(Instant::now())).await?,
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
        }
    }
}

/// A database that is away is no fault of the event's. What a handler's own SQL does, a deadlock or a statement that takes too long
/// among it, is a try: otherwise an event whose SQL always fails would never end.
impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        if error.is_loss_of_session() {
            Self::Interrupted(error.to_string())
        } else {
            Self::Retry(error.to_string())
        }
    }
}
