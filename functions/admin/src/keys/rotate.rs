use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use door::openapi::Refusals;
use serde::{Deserialize, Serialize};
use service::{Body, JsonBody, Problem, Segment};
use utoipa::ToSchema;

use super::Key;
use super::mint::mint;
use crate::act::Acting;
use crate::events::timestamp;
use crate::openapi::InvalidBody;
use crate::{Admin, refusal};

const OVERLAP: u64 = 24 * 60 * 60;
const LONGEST_OVERLAP: u64 = 7 * OVERLAP;

#[derive(Default, Deserialize, ToSchema)]
#[schema(as = Rotation)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Wanted {
    /// A day if it is absent
    #[schema(value_type = Option<u64>, minimum = 0, maximum = 604_800)]
    overlap_seconds: Option<i64>,
}

impl Body for Wanted {
    const ABSENT: Option<fn() -> Self> = Some(Self::default);
}

fn overlap(wanted: &Wanted) -> Result<Duration, Problem> {
    let Some(seconds) = wanted.overlap_seconds else { return Ok(Duration::from_secs(OVERLAP)) };
    let overlap = u64::try_from(seconds).ok().filter(|seconds| *seconds <= LONGEST_OVERLAP);
    let why = || {
        refusal::of_member(
            "/overlapSeconds",
            format!("must be a number of seconds from 0 to {LONGEST_OVERLAP}"),
        )
    };
    overlap.map(Duration::from_secs).ok_or_else(why)
}

#[derive(Serialize, ToSchema)]
#[schema(as = KeyRotated)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Rotated {
    /// The new key itself, which is shown only this once.
    key: String,
    #[serde(flatten)]
    record: Key,
    rotated_from: Former,
}

#[derive(Serialize, ToSchema)]
#[schema(as = FormerKey)]
#[serde(rename_all = "camelCase")]
struct Former {
    id: String,
    #[schema(format = DateTime)]
    expires_at: String,
}

/// Rotate a key
///
/// A new key replaces this one. The old key stays valid for the overlap, and never longer than it would have been.
#[utoipa::path(
    post,
    path = "/admin/keys/{id}/rotate",
    operation_id = "rotateKey",
    tag = "keys",
    params(("id" = String, Path, pattern = "^[0-9A-Za-z]+$")),
    request_body(
        content = Option<Wanted>,
        examples(("rotation" = (summary = "An hour to change over", value = json!({ "overlapSeconds": 3600 }))))
    ),
    responses(
        InvalidBody,
        Refusals,
        (status = 201, body = Rotated, description = "The new key, shown only this once"),
        (status = 404, description = "There is no such key"),
        (status = 409, description = "The key has ended, or was rotated before"),
    ),
)]
pub(crate) async fn post(
    State(admin): State<Admin>,
    Acting(act): Acting,
    Segment(id): Segment,
    JsonBody(wanted): JsonBody<Wanted>,
) -> Result<(StatusCode, Json<Rotated>), Problem> {
    let id = refusal::key_id(id)?;
    let overlap = overlap(&wanted)?;
    let (secret, text) = mint()?;
    let rotated = admin.store.rotate_key(id.clone(), secret, overlap, act).await;
    let rotated = rotated.map_err(refusal::of_store)?.map_err(|why| refusal::of_key(&id, why))?;
    let rotated = Rotated {
        key: text.reveal(),
        record: rotated.key.into(),
        rotated_from: Former { id, expires_at: timestamp(rotated.former_expires_at) },
    };
    Ok((StatusCode::CREATED, Json(rotated)))
}
