//! What operators use: look, search, replay, count. `admin migrate` brings the database up to date and ends.

mod config;
mod events;
mod front_door;
mod metrics;
mod migrate;
mod page;
mod refusal;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use gcp::Publisher;
use service::{App, BoxError, Readiness, Shutdown};
use store::Store;

pub use config::{AdminAuth, Config};
pub use migrate::migrate;

#[derive(Clone)]
pub struct Admin {
    pub store: Store,
    pub publisher: Publisher,
    pub auth: AdminAuth,
}

pub async fn start(config: Config, _shutdown: Shutdown) -> Result<App, BoxError> {
    let store = Store::new(&config.store)?;
    let readiness = Readiness::waiting_for(&["database"]);
    tokio::spawn(readiness.clone().watch("database", {
        let store = store.clone();
        async move || store.ready().await
    }));
    let publisher = Publisher::connect(config.publisher).await?;
    Ok(App::new(router(Admin { store, publisher, auth: config.auth }), readiness))
}

pub fn router(admin: Admin) -> Router {
    Router::new()
        .route("/admin/events", get(events::list::get))
        .route("/admin/events/failed", get(events::failed::get))
        .route("/admin/events/{id}", get(events::one::get))
        .route("/admin/events/{id}/replay", post(events::replay::post))
        .route("/admin/metrics", get(metrics::get))
        .route_layer(from_fn_with_state(admin.auth, front_door::check))
        .with_state(admin)
}
