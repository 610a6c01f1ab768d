use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use door::openapi::Refusals;
use schema::{Change, MAX_BYTES, Schema};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use service::{Body, JsonBody, Problem, Query, Segment};
use store::Mode;
use utoipa::openapi::schema::Array;
use utoipa::{IntoParams, ToSchema};

use super::{json_schema, mode_schema, trial};
use crate::act::Acting;
use crate::openapi::{InvalidBody, list_of};
use crate::refusal::of_member;
use crate::{Admin, refusal};

#[derive(Deserialize, ToSchema)]
#[schema(as = NewSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// A JSON Schema 2020-12, of at most 256 KiB and without external references
    #[schema(schema_with = json_schema)]
    schema: Box<RawValue>,
    #[schema(schema_with = mode_schema)]
    mode: String,
}

impl Body for Wanted {
    /// A schema of the largest size, and the JSON around it.
    const LIMIT: usize = MAX_BYTES + 1024;
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    /// Check the schema against this many of the newest events, and change nothing
    #[param(value_type = Option<u32>, minimum = 1, maximum = 10_000)]
    trial: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = EventTypePut)]
#[serde(rename_all = "camelCase")]
struct Put {
    event_type: String,
    version: i32,
    #[schema(schema_with = mode_schema)]
    mode: &'static str,
    #[schema(schema_with = json_schema)]
    schema: Box<RawValue>,
    /// The differences from the previous version.
    #[schema(schema_with = changes_schema)]
    changes: Vec<Change>,
}

/// Set the schema of an event type
///
/// Each change makes a version. With `trial` nothing is changed: the answer tells what the schema would have refused of
/// the newest events.
#[utoipa::path(
    put,
    path = "/admin/event-types/{type}",
    operation_id = "putEventType",
    tag = "event types",
    params(("type" = String, Path, min_length = 1, max_length = 100), Asked),
    request_body(
        content = Wanted,
        examples(("schema" = (summary = "A required member", value = json!({
            "mode": "enforce", "schema": { "type": "object", "required": ["order"] }
        }))))
    ),
    responses(
        InvalidBody,
        Refusals,
        (status = 200, description = "Nothing has changed, or the result of a trial", content(
            (PutOrTrial = "application/json")
        )),
        (status = 201, body = Put, description = "A new version"),
    ),
)]
pub(crate) async fn put(
    State(admin): State<Admin>,
    Acting(act): Acting,
    Segment(event_type): Segment,
    Query(asked): Query<Asked>,
    JsonBody(wanted): JsonBody<Wanted>,
) -> Result<Response, Problem> {
    let event_type = super::event_type(event_type)?;
    let trial = asked.trial.as_deref().map(trial::size).transpose()?;
    let mode: Mode = wanted.mode.parse().map_err(|why| of_member("/mode", why))?;
    let compiled = compiled(wanted.schema.get().to_owned()).await?;
    if let Some(size) = trial {
        return Ok(Json(trial::run(&admin.store, event_type, compiled, size).await?).into_response());
    }
    let put = admin.store.put_event_type(event_type.clone(), wanted.schema.clone(), mode, act).await;
    let put = put.map_err(refusal::of_store)?;
    let changes = match &put.former {
        Some(former) if put.is_new => changes(former, &wanted.schema)?,
        _ => Vec::new(),
    };
    let status = if put.is_new { StatusCode::CREATED } else { StatusCode::OK };
    let event_type = event_type.as_str().to_owned();
    let put = Put { event_type, version: put.version, mode: mode.as_str(), schema: wanted.schema, changes };
    Ok((status, Json(put)).into_response())
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "an answer is made of one of them at a time")]
#[serde(untagged)]
enum PutOrTrial {
    Put(Put),
    Trial(trial::Trial),
}

fn changes_schema() -> Array {
    list_of("SchemaChange")
}

/// Compiles the schema on a thread where no other request waits for it.
async fn compiled(text: String) -> Result<Schema, Problem> {
    let compiled = tokio::task::spawn_blocking(move || Schema::compile_new(&text)).await;
    compiled.map_err(Problem::internal)?.map_err(|invalid| {
        let pointer = invalid.pointer;
        let place = if pointer.is_empty() { "schema".to_owned() } else { format!("schema at {pointer}") };
        Problem::new(StatusCode::BAD_REQUEST, format!("{place}: {}", invalid.detail))
            .with("field", "/schema")
            .with("pointer", pointer)
    })
}

fn changes(former: &RawValue, schema: &RawValue) -> Result<Vec<Change>, Problem> {
    let read = |schema: &RawValue| serde_json::from_str(schema.get()).map_err(Problem::internal);
    Ok(schema::changes(&read(former)?, &read(schema)?))
}
