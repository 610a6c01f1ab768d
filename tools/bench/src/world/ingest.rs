use local::stack::Part;
use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::{Database, Service, World};
use crate::Error;
use crate::load::Request;

/// The ingest service and its API key.
pub(crate) struct Ingest {
    pub(crate) service: Service,
    key: Option<String>,
}

#[derive(Deserialize)]
struct Made {
    key: String,
}

impl Ingest {
    pub(crate) async fn start(
        world: &World,
        database: &Database,
        set: &[(&str, &str)],
    ) -> Result<Self, Error> {
        let key = key(world, database).await?;
        let door = if key.is_some() { "keys" } else { "off" };
        let set = [&[("INGEST_AUTH", door)][..], set].concat();
        Ok(Self { service: Service::start(world, Part::Ingest, database, &set).await?, key })
    }

    pub(crate) fn post(&self, path: &str) -> Request {
        Request::post(path).bearer(self.key.as_deref())
    }

    /// Tells the reader of a figure whether requests carried an API key.
    pub(crate) fn door(&self) -> &'static str {
        if self.key.is_some() { "with an API key" } else { "without API keys, which are not there yet" }
    }
}

/// Returns None if this admin cannot make keys.
async fn key(world: &World, database: &Database) -> Result<Option<String>, Error> {
    let [port] = local::ports::free()?.map(|port| port.to_string());
    let admin =
        Service::start(world, Part::Admin, database, &[("PORT", &port), ("ADMIN_AUTH", "off")]).await?;
    let answer = world.client.post(admin.url("/admin/keys")).json(&json!({"name": "bench"})).send().await?;
    let key = match answer.status() {
        StatusCode::NOT_FOUND => None,
        _ => Some(answer.error_for_status()?.json::<Made>().await?.key),
    };
    admin.stop().await?;
    Ok(key)
}
