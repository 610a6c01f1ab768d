//! What operators use: look, search, replay, count. `admin migrate` brings the database up to date and ends; `admin adopt`
//! makes one that was restored, copied or taken back in time go on; `admin keys create` makes a key for a client.

mod act;
pub mod adopt;
mod audit;
mod config;
mod event_types;
mod events;
pub mod keys;
mod metrics;
mod migrate;
mod origin;
mod page;
mod refusal;
mod rejects;
mod role;
#[cfg(feature = "testing")]
pub mod testing;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use door::Door;
use gcp::Publisher;
use service::{App, BoxError, Readiness, Shutdown};
use store::Store;

pub use config::Config;
pub use migrate::migrate;
pub use role::{Role, Roles};

#[derive(Clone)]
pub struct Admin {
    pub store: Store,
    pub publisher: Publisher,
    pub door: Door,
    pub roles: Roles,
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
    let door = config.callers.door()?;
    Ok(App::new(router(Admin { store, publisher, door, roles: config.roles }), readiness)
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
        .route("/admin/metrics", get(metrics::get))
        .route("/admin/keys", get(keys::list::get).post(keys::create::post))
        .route(
            "/admin/keys/{id}",
            get(keys::one::get).patch(keys::change::patch).delete(keys::revoke::delete),
        )
        .route("/admin/keys/{id}/rotate", post(keys::rotate::post))
        .route("/admin/event-types", get(event_types::list::get))
        .route(
            "/admin/event-types/{type}",
            get(event_types::one::get).put(event_types::put::put).delete(event_types::remove::delete),
        )
        .route("/admin/audit", get(audit::get))
        .route_layer(from_fn_with_state(admin.roles.clone(), role::check));
    door.guard(routes).route_layer(from_fn(origin::check)).with_state(admin)
}
