//! One file for each handler. [`registered`] says which handler takes which events.

mod demo_flaky;
mod demo_ledger;
mod finish;
mod smoke;

use std::collections::HashMap;
use std::sync::Arc;

use futures::future::BoxFuture;

use crate::{Attempt, Failure};

/// Handles the events of a type. It may run again for the same event: work in the transaction of the attempt takes
/// effect once, and anything else should be idempotent by the event's id.
pub trait Handler: Send + Sync + 'static {
    fn handle(&self, attempt: &mut Attempt) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// Handlers by event type, and the handler for all other types.
pub struct Handlers {
    by_type: HashMap<String, Arc<dyn Erased>>,
    otherwise: Arc<dyn Erased>,
}

pub fn registered() -> Handlers {
    Handlers::otherwise(finish::Finish)
}

impl Handlers {
    pub fn otherwise(handler: impl Handler) -> Self {
        Self { by_type: HashMap::new(), otherwise: Arc::new(handler) }.on("eventflow.smoke", smoke::Smoke)
    }

    /// Adds the handlers that fail, sleep and panic as the sender of an event likes. They are for a first look and for
    /// tests, and not for production, where a few such events would hold every slot.
    #[must_use]
    pub fn with_demo(self) -> Self {
        self.on("demo.flaky", demo_flaky::DemoFlaky).on("demo.ledger", demo_ledger::DemoLedger)
    }

    #[must_use]
    pub fn on(mut self, event_type: &str, handler: impl Handler) -> Self {
        self.by_type.insert(event_type.to_owned(), Arc::new(handler));
        self
    }

    pub(crate) fn of(&self, event_type: &str) -> Arc<dyn Erased> {
        self.by_type.get(event_type).unwrap_or(&self.otherwise).clone()
    }
}

/// [`Handler`] in a form that a map can hold.
pub(crate) trait Erased: Send + Sync {
    fn handle<'a>(&'a self, attempt: &'a mut Attempt) -> BoxFuture<'a, Result<(), Failure>>;
}

impl<H: Handler> Erased for H {
    fn handle<'a>(&'a self, attempt: &'a mut Attempt) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(Handler::handle(self, attempt))
    }
}
