//! Loads each event into BigQuery exactly once. It only uses load jobs whose names are in a ledger before the jobs
//! exist.

mod answer;
mod config;
mod cut;
mod failed;
mod flush;
mod json;
mod marks;
mod openapi;
mod refusal;
mod rows;
mod settle;
mod strangers;

use std::sync::Arc;

use axum::Router;
use door::Door;
use gcp::{BigQuery, Identity};
use service::{App, BoxError, Readiness, Shutdown};
use store::Store;
use tokio::sync::OnceCell;
use tokio_util::task::TaskTracker;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use config::{Config, Settings};

pub struct BqFlush {
    pub store: Store,
    pub bigquery: BigQuery,
    pub identity: Identity,
    pub scheduler: String,
    pub settings: Settings,
    pub shutdown: Shutdown,
}

pub(crate) struct Flusher {
    store: Store,
    bigquery: BigQuery,
    settings: Settings,
    shutdown: Shutdown,
    /// Set once this process has found the table or made it.
    table: OnceCell<()>,
    flushes: TaskTracker,
}

pub async fn start(config: Config, shutdown: Shutdown) -> Result<App, BoxError> {
    let store = Store::new(&config.store)?;
    let readiness = Readiness::waiting_for(&["database"]);
    let watchdog = tokio::spawn(store.clone().watchdog());
    tokio::spawn(readiness.clone().watch("database", store::Error::missing, {
        let store = store.clone();
        async move || store.ready().await
    }));
    let service = BqFlush {
        store,
        bigquery: BigQuery::connect(config.bigquery).await?,
        identity: Identity::new(config.identity)?,
        scheduler: config.scheduler,
        settings: config.settings,
        shutdown,
    };
    let (router, flushes) = service.router();
    let app = App::new(router, readiness).depends_on("the connections to the database", watchdog);
    Ok(app.on_drained(async move {
        flushes.close();
        flushes.wait().await;
    }))
}

impl BqFlush {
    /// Returns the router and the running flushes, which may outlive their requests.
    pub fn router(self) -> (Router, TaskTracker) {
        let tracker = TaskTracker::new();
        let door = Door::google(self.identity, vec![self.scheduler]);
        let flusher = Arc::new(Flusher {
            store: self.store,
            bigquery: self.bigquery,
            settings: self.settings,
            shutdown: self.shutdown,
            table: OnceCell::new(),
            flushes: tracker.clone(),
        });
        let (routes, operations) =
            OpenApiRouter::with_openapi(openapi::document()).routes(routes!(flush::post)).split_for_parts();
        let routes = door.guard(routes).with_state(flusher);
        (service::described(routes, &operations, openapi::shared()), tracker)
    }
}
