//! What operators use: look, search, replay, count. `admin migrate` brings the database up to date and ends; `admin adopt`
//! makes one that was restored, copied or taken back in time go on.

pub mod adopt;
mod config;
mod events;
mod metrics;
mod migrate;
mod page;
mod refusal;
mod rejects;

use axum::Router;
use axum::routing::{get, post};
use door::Door;
use gcp::Publisher;
use service::{App, BoxError, Readiness, Shutdown};
use store::Store;

pub use config::Config;
pub use migrate::migrate;

#[derive(Clone)]
pub struct Admin {
    pub store: Store,
    pub publisher: Publisher,
    pub door: Door,
}

pub async fn start(config: Config, _shutdown: Shutdown) -> Result<App, BoxError> {
    let store = Store::new(&config.store)?;
    let readiness = Readiness::waiting_for(&["database"]);
    let watchdog = tokio::spawn(store.clone().watchdog());
    tokio::spawn(readiness.clone().watch("database", {
        let store = store.clone();
        async move || store.ready().await
    }));
    let publisher = Publisher::connect(config.publisher).await?;
    Ok(App::new(router(Admin { store, publisher, door: config.callers.door()? }), readiness)
        .depends_on("the connections to the database", watchdog))
}

pub fn router(admin: Admin) -> Router {
    let door = admin.door.clone();
    let routes = Router::new()
        .route("/admin/events", get(events::list::get))
        .route("/admin/events/failed", get(events::failed::get))
        .route("/admin/events/{id}", get(events::one::get))
        .route("/admin/events/{id}/replay", post(events::replay::post))
        .route("/admin/rejects", get(rejects::list::get))
        .route("/admin/rejects/retry", post(rejects::retry::post))
        .route("/admin/metrics", get(metrics::get));
    door.guard(routes).with_state(admin)
}
