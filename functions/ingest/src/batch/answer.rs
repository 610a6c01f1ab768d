use axum::Json;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use event::EventId;
use serde::Serialize;
use service::Problem;
use utoipa::ToSchema;

use crate::problems::RETRY_AFTER_SECONDS;

#[derive(Serialize, ToSchema)]
#[schema(as = BatchAnswer)]
pub(crate) struct Answer {
    accepted: usize,
    rejected: usize,
    results: Vec<Item>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = BatchItem)]
struct Item {
    /// The position in the batch, from 0
    index: usize,
    status: u16,
    #[serde(flatten)]
    end: End,
}

#[derive(Serialize, ToSchema)]
#[schema(as = BatchItemEnd)]
#[serde(rename_all = "camelCase")]
enum End {
    #[schema(value_type = String, format = "uuid")]
    EventId(EventId),
    Problem(Problem),
}

impl Answer {
    pub(crate) fn of(ends: Vec<Result<EventId, Problem>>) -> Self {
        let accepted = ends.iter().filter(|end| end.is_ok()).count();
        let rejected = ends.len() - accepted;
        let results = ends.into_iter().enumerate().map(|(index, end)| match end {
            Ok(id) => Item { index, status: StatusCode::CREATED.as_u16(), end: End::EventId(id) },
            Err(problem) => Item { index, status: problem.status().as_u16(), end: End::Problem(problem) },
        });
        Self { accepted, rejected, results: results.collect() }
    }

    /// If no event is committed, the status says whether to send the batch again. It should be sent again if at least
    /// one event was refused for a reason that is not its own fault.
    fn status(&self) -> StatusCode {
        match (self.accepted, self.rejected) {
            (_, 0) => StatusCode::CREATED,
            (0, _) if self.has(StatusCode::SERVICE_UNAVAILABLE) => StatusCode::SERVICE_UNAVAILABLE,
            (0, _) if self.has(StatusCode::INTERNAL_SERVER_ERROR) => StatusCode::INTERNAL_SERVER_ERROR,
            (0, _) => StatusCode::BAD_REQUEST,
            _ => StatusCode::MULTI_STATUS,
        }
    }

    fn has(&self, status: StatusCode) -> bool {
        self.results.iter().any(|item| item.status == status)
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let again = self.has(StatusCode::SERVICE_UNAVAILABLE);
        let mut response = (self.status(), Json(self)).into_response();
        if again {
            response.headers_mut().insert(RETRY_AFTER, RETRY_AFTER_SECONDS);
        }
        response
    }
}
