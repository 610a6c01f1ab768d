use axum::extract::State;
use door::openapi::Refusals;
use event::Json;
use serde::Serialize;
use service::{Problem, Segment};
use utoipa::ToSchema;

use super::{Kind, json_schema, mode_schema};
use crate::events::timestamp;
use crate::openapi::Invalid;
use crate::{Admin, refusal};

/// The number of versions that are shown. They are the newest, and the first one is in force. A schema may have a
/// quarter of a megabyte.
const VERSIONS: i64 = 20;

#[derive(Serialize, ToSchema)]
#[schema(as = EventTypeWithVersions)]
pub(crate) struct Whole {
    #[serde(flatten)]
    kind: Kind,
    versions: Vec<Version>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = EventTypeVersion)]
#[serde(rename_all = "camelCase")]
struct Version {
    version: i32,
    #[schema(schema_with = mode_schema)]
    mode: String,
    #[schema(schema_with = json_schema)]
    schema: Json,
    #[schema(format = DateTime)]
    created_at: String,
    created_by: String,
}

/// Get an event type, with its newest versions
#[utoipa::path(
    get,
    path = "/admin/event-types/{type}",
    operation_id = "getEventType",
    tag = "event types",
    params(("type" = String, Path, min_length = 1, max_length = 100)),
    responses(
        Invalid,
        Refusals,
        (status = 200, body = Whole, description = "The event type, with its current schema"),
        (status = 404, description = "The type has no schema"),
    ),
)]
pub(crate) async fn get(
    State(admin): State<Admin>,
    Segment(event_type): Segment,
) -> Result<axum::Json<Whole>, Problem> {
    let event_type = super::event_type(event_type)?;
    let record = admin.store.event_type(event_type.clone()).await.map_err(refusal::of_store)?;
    let record = record.ok_or_else(|| super::unknown(&event_type))?;
    let versions = admin.store.event_type_versions(event_type, VERSIONS).await.map_err(refusal::of_store)?;
    Ok(axum::Json(Whole { kind: record.into(), versions: versions.into_iter().map(Version::from).collect() }))
}

impl From<store::EventTypeVersion> for Version {
    fn from(version: store::EventTypeVersion) -> Self {
        Self {
            version: version.version,
            mode: version.mode,
            schema: version.schema,
            created_at: timestamp(version.created_at),
            created_by: version.created_by,
        }
    }
}
