use serde_json::json;
use service::Shared;
use utoipa::openapi::{Info, OpenApi, Paths};

pub(crate) fn document() -> OpenApi {
    let mut info = Info::new("EventFlow bq-flush", env!("CARGO_PKG_VERSION"));
    info.description = Some("The operation that Cloud Scheduler calls.".into());
    OpenApi::new(info, Paths::new())
}

pub(crate) fn shared() -> Shared<'static> {
    let own = json!({ "security": [{ "google": [] }] });
    Shared { documents: vec![own, door::openapi::components()], headers: &[] }
}
