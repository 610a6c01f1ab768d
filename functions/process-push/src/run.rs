use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use event::{AttemptEnd, EventId};
use futures::FutureExt;
use store::{Claim, Error, Transaction};
use tokio::time::{sleep, timeout_at};

use crate::{Attempt, Failure, Processor};

/// How an attempt ended that did not succeed, and why.
type Ending = (AttemptEnd, String);

/// How a claimed event came out of its attempt.
#[derive(Debug)]
pub(crate) enum Ended {
    Processed,
    Failed(String),
    /// Another attempt has overtaken this one, whose effects are rolled back.
    Overtaken,
    /// The end could not be written. The lease runs out, and the relay brings the event back.
    Unknown(Error),
}

impl Processor {
    /// Runs the handler of a claimed event under its time limit, and writes down how it ended.
    pub(crate) async fn run(self: Arc<Self>, claim: Claim) -> Ended {
        let (id, number, retry_count) = (claim.id, claim.attempt, claim.retry_count);
        let ended = match self.handle(claim).await {
            Ok(transaction) => {
                service::fault::point("after-handler");
                let _held = service::fault::hold("after-handler", id, number).await;
                self.succeed(id, number, transaction).await
            }
            Err(ending) => Err(ending),
        };
        match ended {
            Ok(true) => Ended::Processed,
            Ok(false) => Ended::Overtaken,
            Err((end, reason)) => self.fail(id, number, retry_count, end, reason).await,
        }
    }

    async fn handle(&self, claim: Claim) -> Result<Option<Transaction>, Ending> {
        let limit = self.settings.handler_limit;
        let handler = self.handlers.of(&claim.event_type);
        let mut attempt = Attempt::new(claim, limit, self.store.clone());
        let deadline = attempt.deadline;
        let work = AssertUnwindSafe(handler.handle(&mut attempt)).catch_unwind();
        tokio::select! {
            ended = timeout_at(deadline, work) => match ended {
                Ok(Ok(result)) => result?,
                Ok(Err(panic)) => return Err((AttemptEnd::Panicked, told_by(&*panic))),
                Err(_) => return Err((AttemptEnd::TimedOut, format!("the handler took longer than {limit:?}"))),
            },
            () = self.drained() => return Err((AttemptEnd::Interrupted, "the service was stopping".into())),
        }
        Ok(attempt.into_transaction())
    }

    /// Until a handler has to give way to the end of the process.
    async fn drained(&self) {
        self.shutdown.requested().await;
        sleep(self.settings.drain_grace).await;
    }

    async fn succeed(
        &self,
        id: EventId,
        attempt: u32,
        transaction: Option<Transaction>,
    ) -> Result<bool, Ending> {
        let written = match transaction {
            Some(transaction) => transaction.succeed(id, attempt).await,
            None => self.store.succeed(id, attempt).await,
        };
        Ok(written.map_err(Failure::from)?)
    }

    async fn fail(
        &self,
        id: EventId,
        attempt: u32,
        retry_count: u32,
        end: AttemptEnd,
        reason: String,
    ) -> Ended {
        let failure = store::Failure {
            end,
            reason: reason.clone(),
            then: self.settings.retries.after(end, retry_count),
            due_step: self.settings.due_step,
        };
        // The reason may quote the payload, so it is on record and not in the log.
        tracing::warn!(attempt, ended = end.as_str(), "the attempt failed");
        match self.store.fail(id, attempt, failure).await {
            Ok(true) => Ended::Failed(reason),
            Ok(false) => Ended::Overtaken,
            Err(error) => Ended::Unknown(error),
        }
    }
}

fn told_by(panic: &(dyn Any + Send)) -> String {
    let message = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "without a message".into());
    format!("the handler panicked: {message}")
}
