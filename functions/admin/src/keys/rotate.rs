use std::time::Duration;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use service::Problem;

use super::Key;
use super::mint::mint;
use crate::act::Acting;
use crate::events::timestamp;
use crate::{Admin, refusal};

const OVERLAP: u64 = 24 * 60 * 60;
const LONGEST_OVERLAP: u64 = 7 * OVERLAP;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Wanted {
    overlap_seconds: Option<u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Rotated {
    /// This is the one time that it is shown.
    key: String,
    #[serde(flatten)]
    record: Key,
    rotated_from: Former,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Former {
    id: String,
    expires_at: String,
}

/// `POST /admin/keys/:id/rotate`: a new key in the place of this one, which lives on for the overlap.
pub(crate) async fn post(
    State(admin): State<Admin>,
    Acting(act): Acting,
    Path(id): Path<String>,
    body: Result<Option<Json<Wanted>>, JsonRejection>,
) -> Result<(StatusCode, Json<Rotated>), Problem> {
    let id = refusal::key_id(id)?;
    let body = body.map_err(|rejection| refusal::of_body(&rejection))?;
    let overlap = body.and_then(|Json(wanted)| wanted.overlap_seconds).unwrap_or(OVERLAP);
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
