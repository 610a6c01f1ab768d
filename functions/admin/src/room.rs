//! Limits the memory of admin that all answers may take together.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use service::{Problem, held};
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// In MiB. Cloud Run gives the container 512 MiB, of which an idle process takes 50.
const ALL: usize = 192;
/// The time that a request waits for others to end.
const PATIENCE: Duration = Duration::from_secs(10);
/// The time that a client may take for an answer. A stalled client must not keep others out.
const LONGEST_ANSWER: Duration = Duration::from_mins(1);

#[derive(Clone)]
pub(crate) struct Room(Arc<Semaphore>);

impl Room {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(ALL)))
    }
}

/// The memory that an operation may hold from its first statement to the end of its answer, in MiB.
fn needed(method: &Method, path: &str) -> u32 {
    match (method.as_str(), path) {
        // 200 rows, each with two excerpts of at most 16 KiB, once as text and once as JSON; 200 rows, each with a
        // thousand ids, or a hundred prefixes, or texts from outside; 20 schemas of a quarter of a megabyte.
        (
            "GET" | "HEAD",
            "/admin/events"
            | "/admin/events/failed"
            | "/admin/rejects"
            | "/admin/loads"
            | "/admin/unreadable"
            | "/admin/audit"
            | "/admin/keys"
            | "/admin/event-types/{type}",
        ) => 24,
        // A schema, and 16 payloads of a megabyte in a trial.
        ("PUT", "/admin/event-types/{type}") => 48,
        // An event of a megabyte, with a hundred attempts and their reasons.
        (_, "/admin/events/{id}" | "/admin/events/{id}/replay" | "/admin/rejects/{id}") => 8,
        // A hundred jobs and the reasons of their failures.
        (_, "/admin/loads/{id}") => 4,
        // A megabyte of any bytes, each of which may take six in JSON.
        (_, "/admin/unreadable/{id}") => 16,
        _ => 1,
    }
}

/// Lets a request through when there is room for it. The check comes after the door and the roles.
pub(crate) async fn enter(
    State(room): State<Room>,
    path: MatchedPath,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let needed = needed(request.method(), path.as_str());
    let place = match timeout(PATIENCE, room.0.acquire_many_owned(needed)).await {
        Ok(Ok(place)) => place,
        Ok(Err(closed)) => return Err(Problem::internal(closed)),
        Err(_) => return Err(busy()),
    };
    Ok(next.run(request).await.map(|body| held(body, place, LONGEST_ANSWER)))
}

fn busy() -> Problem {
    let why = format!("other requests take all of the {ALL} MiB that answers may take");
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, why).header(RETRY_AFTER, HeaderValue::from_static("1"))
}
