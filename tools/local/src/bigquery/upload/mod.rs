//! `jobs.insert` with rows, by Google's two upload protocols.
//!
//! Resumable: a `POST` with the job opens a session, each `PUT` brings a chunk, and a 308 tells how much has arrived.
//! The answer to the last chunk is the job.

mod accept;
mod chunk;
mod content_range;
mod multipart;
mod session;

use std::io::Write;
use std::sync::Arc;

use axum::Json;
use axum::body::{Body, BodyDataStream, Bytes};
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use serde::Deserialize;
use uuid::Uuid;

use content_range::ContentRange;
use session::Session;
pub(crate) use session::Uploads;

use super::error::ApiError;
use super::job::{self, Job, JobRequest};
use super::server::CutConnection;
use super::warehouse::Warehouse;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UploadQuery {
    upload_type: String,
    #[serde(rename = "upload_id")]
    upload_id: Option<Uuid>,
}

pub(crate) async fn post(
    State(warehouse): State<Arc<Warehouse>>,
    Path(project): Path<String>,
    query: Result<Query<UploadQuery>, QueryRejection>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, ApiError> {
    warehouse.faults.refuse_insert()?;
    let body = body.map_err(|rejection| ApiError::invalid(rejection.body_text()))?;
    match query?.0.upload_type.as_str() {
        "resumable" => open_session(&warehouse, project, &headers, &body),
        "multipart" => whole(&warehouse, project, &headers, &body).await,
        other => Err(ApiError::invalid(format!("Invalid value for uploadType: \"{other}\""))),
    }
}

fn new_session(project: String, job: &[u8]) -> Result<Session, ApiError> {
    let Json(request) = Json::<JobRequest>::from_bytes(job)?;
    request.check()?;
    Ok(Session { id: Uuid::new_v4(), project, request, total: None })
}

fn open_session(
    warehouse: &Warehouse,
    project: String,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Response, ApiError> {
    let mut session = new_session(project, body)?;
    session.total = declared_length(headers)?;
    warehouse.uploads.create(&session)?;
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.ok_or_else(|| ApiError::invalid("Host is missing"))?;
    let location = format!(
        "http://{host}/upload/bigquery/v2/projects/{}/jobs?uploadType=resumable&upload_id={}",
        session.project, session.id
    );
    Ok((StatusCode::OK, [(header::LOCATION, location)]).into_response())
}

fn declared_length(headers: &HeaderMap) -> Result<Option<u64>, ApiError> {
    let Some(value) = headers.get("x-upload-content-length") else {
        return Ok(None);
    };
    let length = value.to_str().ok().and_then(|text| text.parse().ok());
    let invalid = || ApiError::invalid("X-Upload-Content-Length is not a number");
    length.map(Some).ok_or_else(invalid)
}

async fn whole(
    warehouse: &Arc<Warehouse>,
    project: String,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Response, ApiError> {
    let parts = multipart::parse(headers, body)?;
    let session = new_session(project, parts.job)?;
    let turn = warehouse.uploads.turn(session.id).await;
    let mut file = warehouse.uploads.continue_at(&session.id, 0)?;
    file.write_all(parts.media)?;
    let job = accept::accept(warehouse, session, turn).await?;
    answer(warehouse, &job).await
}

pub(crate) async fn put(
    State(warehouse): State<Arc<Warehouse>>,
    Path(project): Path<String>,
    query: Result<Query<UploadQuery>, QueryRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let mut body = body.into_data_stream();
    let answer = put_chunk(&warehouse, &project, query, &headers, &mut body).await;
    let is_cut = answer.as_ref().is_ok_and(|answer| answer.extensions().get::<CutConnection>().is_some());
    // If a client is still sending when its connection closes, it never gets the answer, so the body is read to its
    // end.
    while !is_cut && matches!(body.next().await, Some(Ok(_))) {}
    answer
}

async fn put_chunk(
    warehouse: &Arc<Warehouse>,
    project: &str,
    query: Result<Query<UploadQuery>, QueryRejection>,
    headers: &HeaderMap,
    body: &mut BodyDataStream,
) -> Result<Response, ApiError> {
    warehouse.faults.refuse_insert()?;
    let id = query?.0.upload_id.ok_or_else(|| ApiError::invalid("upload_id is missing"))?;
    match receive(warehouse, project, id, headers, body).await? {
        Progress::Received(received) => Ok(resume_incomplete(received)),
        Progress::Complete(job) => answer(warehouse, &job).await,
        Progress::AnsweredBefore(job) => Ok(Json(job::resource(&job)).into_response()),
        Progress::Cut => Ok((StatusCode::OK, axum::Extension(CutConnection)).into_response()),
    }
}

enum Progress {
    Received(u64),
    Complete(Box<Job>),
    /// The client did not get the answer and asks again.
    AnsweredBefore(Box<Job>),
    Cut,
}

async fn receive(
    warehouse: &Arc<Warehouse>,
    project: &str,
    id: Uuid,
    headers: &HeaderMap,
    body: &mut BodyDataStream,
) -> Result<Progress, ApiError> {
    let turn = warehouse.uploads.turn(id).await;
    if let Some(job) = warehouse.read().job_of_upload(&id) {
        return Ok(Progress::AnsweredBefore(Box::new(job.clone())));
    }
    let session = warehouse.uploads.find(&id)?;
    if session.project != project {
        return Err(ApiError::not_found(format_args!("Upload {id}")));
    }
    let received = warehouse.uploads.received(&id)?;
    let is_complete = match ContentRange::from_headers(headers)? {
        ContentRange::Query { total } => {
            warehouse.uploads.continue_at(&id, received)?;
            total == Some(received)
        }
        ContentRange::Chunk(chunk) => {
            chunk::check(chunk, received, session.total)?;
            let file = warehouse.uploads.continue_at(&id, received)?;
            let cut_after = warehouse.faults.cut_upload().then_some(chunk.length / 2);
            if chunk::append(chunk, received, file, body, cut_after).await?.is_break() {
                return Ok(Progress::Cut);
            }
            chunk.is_last()
        }
    };
    if is_complete {
        let job = accept::accept(warehouse, session, turn).await?;
        return Ok(Progress::Complete(Box::new(job)));
    }
    Ok(Progress::Received(warehouse.uploads.received(&id)?))
}

fn resume_incomplete(received: u64) -> Response {
    let mut response = StatusCode::PERMANENT_REDIRECT.into_response();
    if let Some(last) = received.checked_sub(1)
        && let Ok(range) = HeaderValue::try_from(format!("bytes=0-{last}"))
    {
        response.headers_mut().insert(header::RANGE, range);
    }
    response
}

async fn answer(warehouse: &Warehouse, job: &Job) -> Result<Response, ApiError> {
    if warehouse.faults.lose_response() {
        std::future::pending::<()>().await;
    }
    Ok(Json(job::resource(job)).into_response())
}
