//! Takes events over HTTP. A 201 means that the event is committed in PostgreSQL.

mod accept;
mod coalescer;
mod config;
mod events;
mod idempotency;
mod origins;
mod problems;

use std::time::Duration;

use axum::Router;
use axum::routing::post;
use door::Door;
use gcp::Publisher;
use service::{App, BoxError, Readiness, Shutdown};
use store::Store;

pub use coalescer::Coalescer;
pub use config::{Config, Limits};
pub use origins::Origins;

#[derive(Clone)]
pub struct Ingest {
    pub coalescer: Coalescer,
    pub door: Door,
    pub limits: Limits,
    pub keys_last: Duration,
}

pub async fn start(config: Config, _shutdown: Shutdown) -> Result<App, BoxError> {
    let store = Store::new(&config.store)?;
    let publisher = Publisher::connect(config.publisher).await?;
    let readiness = Readiness::waiting_for(&["database"]);
    let watchdog = tokio::spawn(store.clone().watchdog());
    tokio::spawn(readiness.clone().watch("database", {
        let store = store.clone();
        async move || store.ready().await
    }));
    let (coalescer, writer) = Coalescer::start(store, publisher, config.first_due);
    let router = router(Ingest {
        coalescer,
        door: config.callers.door()?,
        limits: config.limits,
        keys_last: config.keys_last,
    });
    Ok(App::new(config.origins.around(router), readiness)
        .depends_on("the writer of events", writer)
        .depends_on("the connections to the database", watchdog))
}

pub fn router(ingest: Ingest) -> Router {
    let door = ingest.door.clone();
    door.guard(Router::new().route("/events", post(events::post))).with_state(ingest)
}
