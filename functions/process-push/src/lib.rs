//! Receives the pushes of Pub/Sub and the calls of Cloud Scheduler. A team builds its own service from this crate by
//! giving [`start`] its own handlers.

mod attempt;
mod clock;
mod config;
mod dead_letter;
mod envelope;
pub mod handlers;
mod maintain;
mod openapi;
mod push;
mod relay;
mod run;

use std::sync::Arc;

use axum::Router;
use door::Door;
use gcp::{Identity, Publisher};
use service::memory::Memory;
use service::{App, BoxError, Readiness, Shutdown};
use store::Store;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use attempt::{Attempt, Failure};
pub use config::{Callers, Config, Settings};
#[cfg(feature = "testing")]
pub use envelope::{Envelope, Unreadable};
pub use handlers::{Handler, Handlers};

/// The memory limit for all pushes together. A push of the usual size is a thousandth of the largest push that Pub/Sub
/// allows, and three quarters of this memory are reserved for the usual ones.
const REQUEST_MEMORY: usize = 64 * 1024 * 1024;

pub struct ProcessPush {
    pub store: Store,
    pub publisher: Publisher,
    pub identity: Identity,
    pub callers: Callers,
    pub handlers: Handlers,
    pub settings: Settings,
    pub shutdown: Shutdown,
}

pub(crate) struct Processor {
    store: Store,
    publisher: Publisher,
    handlers: Handlers,
    settings: Settings,
    shutdown: Shutdown,
    /// The number of handlers that run at once. Handlers that want a transaction take turns at the connections.
    slots: Arc<Semaphore>,
    /// Attempts outlive the requests that brought them, and the drain waits for them.
    attempts: TaskTracker,
}

pub async fn start(config: Config, handlers: Handlers, shutdown: Shutdown) -> Result<App, BoxError> {
    let store = Store::new(&config.store)?;
    let readiness = Readiness::waiting_for(&["database"]);
    let watchdog = tokio::spawn(store.clone().watchdog());
    tokio::spawn(readiness.clone().watch("database", store::Error::missing, {
        let (store, demo_handlers) = (store.clone(), config.demo_handlers);
        async move || {
            store.ready().await?;
            if demo_handlers { store.make_demo_ledger().await } else { Ok(()) }
        }
    }));
    let service = ProcessPush {
        store,
        publisher: Publisher::connect(config.publisher).await?,
        identity: Identity::new(config.identity)?,
        callers: config.callers,
        handlers,
        settings: config.settings,
        shutdown,
    };
    let (router, attempts) = service.router();
    let app = App::new(router, readiness).depends_on("the connections to the database", watchdog);
    Ok(app.on_drained(async move {
        attempts.close();
        attempts.wait().await;
    }))
}

impl ProcessPush {
    /// Returns the router and the running attempts, which may outlive their requests.
    pub fn router(self) -> (Router, TaskTracker) {
        let attempts = TaskTracker::new();
        let processor = Arc::new(Processor {
            slots: Arc::new(Semaphore::new(
                usize::try_from(self.settings.concurrency).unwrap_or(Semaphore::MAX_PERMITS),
            )),
            store: self.store,
            publisher: self.publisher,
            handlers: self.handlers,
            settings: self.settings,
            shutdown: self.shutdown,
            attempts: attempts.clone(),
        });
        let door = |account| Door::google(self.identity.clone(), vec![account]);
        let (pushed, mut operations) = OpenApiRouter::with_openapi(openapi::document())
            .routes(routes!(push::post))
            .routes(routes!(dead_letter::post))
            .split_for_parts();
        let (scheduled, others) = OpenApiRouter::new()
            .routes(routes!(relay::post))
            .routes(routes!(maintain::post))
            .split_for_parts();
        operations.merge(others);
        let pushed = door(self.callers.push).guard(pushed);
        let scheduled = door(self.callers.scheduler).guard(scheduled);
        let routes = Memory::new(REQUEST_MEMORY).guard(pushed.merge(scheduled)).with_state(processor);
        (service::described(routes, &operations, openapi::shared()), attempts)
    }
}
