//! The service for operators: look, search, replay, count. `admin migrate` brings the database up to date and ends;
//! `admin adopt` lets a database continue that was restored, copied or taken back in time; `admin keys create` creates
//! a key for a client.

mod act;
pub mod adopt;
mod answer;
mod audit;
mod config;
mod event_types;
mod events;
mod excerpt;
pub mod keys;
mod loads;
mod metrics;
mod migrate;
mod openapi;
mod origin;
mod page;
mod refusal;
mod rejects;
mod role;
mod room;
#[cfg(feature = "testing")]
pub mod testing;
mod unreadable;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use door::Door;
use gcp::Publisher;
use service::memory::Memory;
use service::{App, BoxError, Readiness, Shutdown};
use store::Store;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use config::Config;
pub use migrate::migrate;
pub use role::{Role, Roles};

/// In bytes: the limit for the bodies of all current requests together.
const REQUEST_MEMORY: usize = 64 * 1024 * 1024;

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
    tokio::spawn(readiness.clone().watch("database", store::Error::missing, {
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
    let (routes, operations) = OpenApiRouter::with_openapi(openapi::document())
        .routes(routes!(events::list::get))
        .routes(routes!(events::failed::get))
        .routes(routes!(events::one::get))
        .routes(routes!(events::replay::post))
        .routes(routes!(rejects::list::get))
        .routes(routes!(rejects::one::get))
        .routes(routes!(rejects::retry::post))
        .routes(routes!(loads::list::get))
        .routes(routes!(loads::one::get))
        .routes(routes!(unreadable::list::get))
        .routes(routes!(unreadable::one::get))
        .routes(routes!(metrics::get))
        .routes(routes!(keys::list::get, keys::create::post))
        .routes(routes!(keys::one::get, keys::change::patch, keys::revoke::delete))
        .routes(routes!(keys::rotate::post))
        .routes(routes!(event_types::list::get))
        .routes(routes!(event_types::one::get, event_types::put::put, event_types::remove::delete))
        .routes(routes!(audit::get))
        .route_layer(from_fn_with_state(room::Room::new(), room::enter))
        .route_layer(from_fn_with_state(admin.roles.clone(), role::check))
        .split_for_parts();
    let routes = door.guard(routes).route_layer(from_fn(origin::check));
    let routes = Memory::new(REQUEST_MEMORY).guard(routes).with_state(admin);
    service::described(routes, &operations, openapi::shared())
}
