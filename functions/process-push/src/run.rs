use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use event::{AfterFailure, AttemptEnd, Delivery, EventId, Tries};
use futures::FutureExt;
use store::{Claim, Claimant, Error, Succeeded, Transaction};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::clock::HandlerClock;
use crate::{Attempt, Failure, Processor};

/// The end of an attempt that did not succeed, and the reason.
type Ending = (AttemptEnd, String);

/// An event that this process has claimed.
#[derive(Debug)]
struct Claimed {
    claim: Claim,
    /// The time when the attempt must end, before its lease does, by the clock of this process.
    until: Instant,
}

/// The result of the attempt of a claimed event.
#[derive(Debug)]
pub(crate) enum Ended {
    Processed,
    Failed(String),
    /// It is due again at a later time, and no try was used up.
    PutBack,
    /// Another attempt has overtaken this one, whose effects are rolled back.
    Overtaken,
    /// The end could not be written. The lease runs out, and the relay brings the event back.
    Unknown(Error),
}

/// The reason why an event was not even looked at.
#[derive(Debug)]
pub(crate) enum Refused {
    Busy,
    Stopping,
    Database(Error),
}

impl Processor {
    /// Claims an event and runs its handler, if the event can be run. One slot is taken first, within `wait`. An event
    /// that has to run alone gets all slots, so that nothing runs beside it.
    pub(crate) async fn attempt(
        &self,
        id: EventId,
        message_id: Option<String>,
        wait: Duration,
    ) -> Result<Delivery<Ended>, Refused> {
        let slot = self.slots(1, wait).await?;
        let delivery = self.claim(id, message_id.clone(), false).await?;
        let (_slots, delivery) = if matches!(delivery, Delivery::NeedsIsolation) {
            // The slot is released before the wait for all slots, because two waiting events would otherwise wait for
            // each other.
            drop(slot);
            tracing::info!("attempts of this event were lost beside others: it runs alone");
            let slots = self.slots(self.settings.concurrency, self.settings.handler_limit).await?;
            (slots, self.claim(id, message_id, true).await?)
        } else {
            (slot, delivery)
        };
        match delivery {
            Delivery::Claimed(claimed) => Ok(Delivery::Claimed(self.run(claimed).await)),
            other => Ok(other.map(|_| Ended::Overtaken)),
        }
    }

    /// Waits for slots before the claim, because a lease is for the work alone.
    async fn slots(&self, count: u32, wait: Duration) -> Result<OwnedSemaphorePermit, Refused> {
        let slots = timeout(wait, self.slots.clone().acquire_many_owned(count)).await;
        let Ok(Ok(slots)) = slots else { return Err(Refused::Busy) };
        if self.shutdown.is_requested() {
            return Err(Refused::Stopping);
        }
        Ok(slots)
    }

    async fn claim(
        &self,
        id: EventId,
        message_id: Option<String>,
        alone: bool,
    ) -> Result<Delivery<Claimed>, Error> {
        // The lease begins later than this, by the clock of the database.
        let until = Instant::now() + self.settings.attempt_limit();
        let claimant = Claimant { instance: self.settings.instance.clone(), message_id, alone };
        let delivery = self.store.claim(id, claimant, self.settings.claim).await?;
        Ok(delivery.map(|claim| Claimed { claim, until }))
    }

    /// Runs the handler of a claimed event under its time limit, and records how it ended.
    async fn run(&self, claimed: Claimed) -> Ended {
        let (id, number, tries) = (claimed.claim.id, claimed.claim.attempt, claimed.claim.tries);
        // No message brings a trace if the relay runs the event.
        if let Some(trace_id) = claimed.claim.trace_id {
            service::record_trace(trace_id);
        }
        let ended = match self.handle(claimed).await {
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
            Err((end, reason)) => self.fail(id, number, tries, end, reason).await,
        }
    }

    async fn handle(&self, Claimed { claim, until }: Claimed) -> Result<Option<Transaction>, Ending> {
        let limit = self.settings.handler_limit;
        let handler = self.handlers.of(&claim.event_type);
        let clock = HandlerClock::start(limit);
        let mut attempt = Attempt::new(claim, until, clock.clone(), self.store.clone());
        let work = AssertUnwindSafe(handler.handle(&mut attempt)).catch_unwind();
        tokio::select! {
            // A handler that has ended is in time.
            biased;
            ended = work => match ended {
                Ok(result) => result?,
                Err(panic) => return Err((AttemptEnd::Panicked, told_by(&*panic))),
            },
            () = clock.reaches(limit) => {
                return Err((AttemptEnd::TimedOut, format!("the handler took longer than {limit:?}")));
            }
            () = sleep_until(until) => {
                let used = clock.used();
                let told = format!("the handler had used {used:?} of its {limit:?} when its lease was about to end");
                // If the handler did not wait for this service, something in the process held it up, and that may be
                // the handler itself.
                let end = if clock.is_stopped() { AttemptEnd::Released } else { AttemptEnd::Interrupted };
                return Err((end, told));
            }
            () = self.drained() => return Err((AttemptEnd::Released, "the service was stopping".into())),
        }
        Ok(attempt.into_transaction())
    }

    /// Returns when a handler has to give way to the end of the process.
    async fn drained(&self) {
        self.shutdown.requested().await;
        sleep(self.settings.drain_grace).await;
    }

    /// A failure in a statement of this service is no try, whatever it is. After the handler's own SQL it may be the
    /// fault of the handler, for example a constraint that is checked at the commit.
    async fn succeed(
        &self,
        id: EventId,
        attempt: u32,
        transaction: Option<Transaction>,
    ) -> Result<bool, Ending> {
        let Some(transaction) = transaction else {
            let written = self.store.succeed(id, attempt).await;
            return written.map_err(|error| (AttemptEnd::Interrupted, error.to_string()));
        };
        match transaction.succeed(id, attempt).await {
            Ok(Succeeded::Committed) => Ok(true),
            Ok(Succeeded::Overtaken) => Ok(false),
            Ok(Succeeded::EndedByHandler) => Err((
                AttemptEnd::Permanent,
                "the handler ended its transaction itself, so what it wrote may be committed without its event".into(),
            )),
            Err(error) if error.is_statement_timeout() => Err((AttemptEnd::Interrupted, error.to_string())),
            Err(error) => Err(Failure::from(error).into()),
        }
    }

    async fn fail(&self, id: EventId, attempt: u32, tries: Tries, end: AttemptEnd, reason: String) -> Ended {
        let then = self.settings.retries.after(end, tries);
        let failure = store::Failure { end, reason: reason.clone(), then };
        // The reason may quote the payload, so it is recorded in the database and not in the log.
        tracing::warn!(attempt, ended = end.as_str(), "the attempt failed");
        match self.store.fail(id, attempt, failure).await {
            Ok(true) if matches!(then, AfterFailure::PutBack { after, .. } if !after.is_zero()) => {
                Ended::PutBack
            }
            Ok(true) => Ended::Failed(reason),
            Ok(false) => Ended::Overtaken,
            Err(error) => Ended::Unknown(error),
        }
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Database(error)
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
