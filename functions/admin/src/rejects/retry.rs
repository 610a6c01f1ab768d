use axum::Json;
use axum::extract::State;
use door::openapi::Refusals;
use serde::{Deserialize, Serialize};
use service::{Body, JsonBody, Problem};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Admin;
use crate::act::Acting;
use crate::openapi::InvalidBody;
use crate::refusal::{self, of_member};

/// The most ids in one request. A request for all rejects may mean more.
pub(crate) const MOST: usize = 1_000;

/// Some of the rejects, or all of them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    ids: Option<Vec<String>>,
    all: Option<bool>,
}

impl Body for Wanted {}

impl Wanted {
    /// Returns the ids; None means all rejects.
    fn ids(self) -> Result<Option<Vec<Uuid>>, Problem> {
        match self {
            Self { ids: Some(ids), all: None } if ids.len() > MOST => {
                Err(of_member("/ids", format!("must be {MOST} UUIDs at most, is {}", ids.len())))
            }
            Self { ids: Some(ids), all: None } => {
                ids.iter().enumerate().map(id).collect::<Result<_, _>>().map(Some)
            }
            Self { ids: None, all: Some(true) } => Ok(None),
            Self { ids: None, all: Some(false) } => Err(of_member("/all", "must be true")),
            Self { ids: Some(_), all: Some(_) } => Err(of_member("/all", "must not stand beside ids")),
            Self { ids: None, all: None } => Err(of_member("/ids", "or all is required")),
        }
    }
}

fn id((at, text): (usize, &String)) -> Result<Uuid, Problem> {
    text.parse().map_err(|_| of_member(&format!("/ids/{at}"), "must be a UUID"))
}

#[derive(Serialize, ToSchema)]
#[schema(as = RejectsRequested)]
pub(crate) struct Requested {
    /// Rejects that are loaded by now, or were requested before, are not counted.
    requested: i64,
}

/// Load rejects again with the next flush
#[utoipa::path(
    post,
    path = "/admin/rejects/retry",
    operation_id = "retryRejects",
    tag = "rejects",
    request_body(
        content = ref("#/components/schemas/RetryRejects"), content_type = "application/json",
        examples(("all" = (summary = "All of them", value = json!({ "all": true }))))
    ),
    responses(
        InvalidBody,
        Refusals,
        (status = 200, body = Requested, description = "The number of rejects that will be loaded"),
    ),
)]
pub(crate) async fn post(
    State(admin): State<Admin>,
    Acting(act): Acting,
    JsonBody(wanted): JsonBody<Wanted>,
) -> Result<Json<Requested>, Problem> {
    let requested = admin.store.retry_rejects(wanted.ids()?, act).await.map_err(refusal::of_store)?;
    Ok(Json(Requested { requested }))
}
