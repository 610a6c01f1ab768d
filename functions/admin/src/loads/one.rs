use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use door::openapi::Refusals;
use serde::Serialize;
use serde_json::{Value, json};
use service::{Problem, Segment};
use store::LoadJob;
use utoipa::ToSchema;

use super::Load;
use crate::events::timestamp;
use crate::openapi::Invalid;
use crate::{Admin, refusal};

#[derive(Serialize, ToSchema)]
#[schema(as = LoadWithJobs)]
pub(crate) struct Whole {
    #[serde(flatten)]
    load: Load,
    /// The newest hundred jobs that were begun for the load, oldest first.
    jobs: Vec<Job>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = LoadJob)]
#[serde(rename_all = "camelCase")]
struct Job {
    job_id: String,
    #[schema(format = DateTime)]
    made_at: String,
    /// The time when the end of the job was seen.
    #[schema(format = DateTime, required = true)]
    ended_at: Option<String>,
    /// The kind of error that the job ended in; null if it ended well, or has not ended.
    #[schema(required = true)]
    reason: Option<String>,
    /// BigQuery's message about that error.
    #[schema(required = true)]
    message: Option<String>,
}

/// Get a load, with its jobs
#[utoipa::path(
    get,
    path = "/admin/loads/{id}",
    operation_id = "getLoad",
    tag = "loads",
    params(("id" = i64, Path, minimum = 1)),
    responses(
        Invalid,
        Refusals,
        (status = 200, body = Whole, description = "The load", example = json!(example())),
        (status = 404, description = "There is no such load; a range that was cut is replaced by its parts"),
    ),
)]
pub(crate) async fn get(State(admin): State<Admin>, Segment(id): Segment) -> Result<Json<Whole>, Problem> {
    let id = refusal::number(&id)?;
    let found = admin.store.load_record(id).await.map_err(refusal::of_store)?;
    let no_load = || Problem::new(StatusCode::NOT_FOUND, format!("there is no load {id}"));
    let (load, jobs) = found.ok_or_else(no_load)?;
    Ok(Json(Whole { load: load.into(), jobs: jobs.into_iter().map(Job::from).collect() }))
}

impl From<LoadJob> for Job {
    fn from(job: LoadJob) -> Self {
        Self {
            job_id: job.job_id,
            made_at: timestamp(job.made_at),
            ended_at: job.ended_at.map(timestamp),
            reason: job.reason,
            message: job.message,
        }
    }
}

fn example() -> Value {
    let mut load = super::example();
    load["jobs"] = json!([{
        "jobId": load["jobId"],
        "madeAt": "2026-01-31T12:00:00.100Z",
        "endedAt": null,
        "reason": null,
        "message": null
    }]);
    load
}
