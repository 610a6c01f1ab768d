use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use door::openapi::Refusals;
use service::memory::Account;
use service::{Problem, RequestContext};

use crate::Processor;
use crate::envelope::Unreadable;
use crate::push::{keep, receive, unavailable};

/// Receive dead-lettered messages
///
/// Such a message is a hint and not a verdict, because deliveries also fail during outages: an unfinished event lives
/// on.
#[utoipa::path(
    post,
    path = "/dead-letter",
    operation_id = "deadLetter",
    tag = "Pub/Sub",
    request_body(content = ref("#/components/schemas/Push"), content_type = "application/json"),
    responses(
        Refusals,
        (status = 204, description = "The message is acknowledged"),
        (status = 408, description = "The body did not arrive in time"),
        (status = 413, description = "The body is larger than Pub/Sub allows"),
        (status = 400, description = "The body ended early"),
    ),
)]
pub(crate) async fn post(
    State(processor): State<Arc<Processor>>,
    context: RequestContext,
    account: Account,
    body: Body,
) -> Result<StatusCode, Problem> {
    let Some((envelope, body)) = receive(&processor, &context, &account, body).await? else {
        return Ok(StatusCode::NO_CONTENT);
    };
    let id = envelope.event_id;
    if processor.store.due_again(id).await.map_err(|error| unavailable(&error))? {
        tracing::warn!("Pub/Sub gave up on an event that is not dead: it is due again");
        return Ok(StatusCode::NO_CONTENT);
    }
    if processor.store.is_known(id).await.map_err(|error| unavailable(&error))? {
        return Ok(StatusCode::NO_CONTENT);
    }
    let unreadable = Unreadable {
        reason: format!("no event {id} was ever accepted"),
        message_id: Some(envelope.message_id),
    };
    keep(&processor, Some(envelope.subscription), unreadable, &body).await
}
