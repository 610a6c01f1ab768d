use std::time::Duration;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use door::openapi::Refusals;
use serde::{Deserialize, Serialize};
use service::Problem;
use utoipa::ToSchema;

use super::Key;
use super::mint::mint;
use crate::act::Acting;
use crate::events::timestamp;
use crate::openapi::InvalidBody;
use crate::{Admin, refusal};

const OVERLAP: u64 = 24 * 60 * 60;
const LONGEST_OVERLAP: u64 = 7 * OVERLAP;

#[derive(Deserialize, ToSchema)]
#[schema(as = Rotation)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Wanted {
    /// A day, where it is left out
    #[schema(minimum = 0, maximum = 604_800)]
    overlap_seconds: Option<u64>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = KeyRotated)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Rotated {
    /// This is the one time that it is shown.
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

/// Put a new key in the place of this one
///
/// The old one lives on for the overlap, and never longer than it would have.
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
        (status = 201, body = Rotated, description = "The new key, shown this once"),
        (status = 404, description = "There is no such key"),
        (status = 409, description = "The key has ended, or was rotated before"),
    ),
)]
pub(crate) async fn post(
    State(admin): State<Admin>,
    Acting(act): Acting,
    Path(id): Path<String>,
    body: Result<Option<Json<Option<Wanted>>>, JsonRejection>,
) -> Result<(StatusCode, Json<Rotated>), Problem> {
    let id = refusal::key_id(id)?;
    let body = body.map_err(|rejection| refusal::of_body(&rejection))?;
    let overlap = body.and_then(|Json(wanted)| wanted?.overlap_seconds).unwrap_or(OVERLAP);
    if overlap > LONGEST_OVERLAP {
        return Err(refusal::of_parameter("overlapSeconds", format!("must be 0 to {LONGEST_OVERLAP}")));
    }
    let (secret, text) = mint()?;
    let rotated = admin.store.rotate_key(id.clone(), secret, Duration::from_secs(overlap), act).await;
    let rotated = rotated.map_err(refusal::of_store)?.map_err(|why| refusal::of_key(&id, why))?;
    let rotated = Rotated {
        key: text.reveal(),
        record: rotated.key.into(),
        rotated_from: Former { id, expires_at: timestamp(rotated.former_expires_at) },
    };
    Ok((StatusCode::CREATED, Json(rotated)))
}
