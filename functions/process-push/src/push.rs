use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::StatusCode;
use door::openapi::Refusals;
use event::Delivery;
use service::memory::Account;
use service::{BODY_DEADLINE, Problem, RequestContext, read_body};
use store::Error;
use tracing::Instrument;

use crate::Processor;
use crate::envelope::{Envelope, TRACEPARENT, Unreadable};
use crate::run::{Ended, Refused};

/// Pub/Sub's own limit for a message is 10 MB, in base64. The messages of this service only carry an id.
const MAX_PUSH_BYTES: usize = 14 * 1024 * 1024;

/// Receive a message from Pub/Sub
///
/// The status is the acknowledgement. Pub/Sub takes 102, 200, 201, 202 and 204 as one.
#[utoipa::path(
    post,
    path = "/push",
    operation_id = "push",
    tag = "Pub/Sub",
    request_body(content = ref("#/components/schemas/Push"), content_type = "application/json"),
    responses(
        Refusals,
        (status = 204, description = "Done, or nothing to do"),
        (status = 410, description = "The event is dead"),
        (status = 422, description = "The handler failed"),
        (status = 425, description = "The retry is not due yet"),
        (status = 429, description = "All handlers are busy"),
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
    // After the claim the work runs to its end, even if Pub/Sub does not wait for the answer.
    let work = deliver(processor.clone(), envelope, body).in_current_span();
    processor.attempts.spawn(work).await.map_err(Problem::internal)?
}

/// Opens a push. None if it is not an event of this service: then the push is stored, and there is nothing else to do.
pub(crate) async fn receive(
    processor: &Processor,
    context: &RequestContext,
    account: &Account,
    body: Body,
) -> Result<Option<(Envelope, Bytes)>, Problem> {
    let body = read_body(body, MAX_PUSH_BYTES, BODY_DEADLINE, account).await?;
    let envelope = match Envelope::parse(&body) {
        Ok(envelope) => envelope,
        Err(unreadable) => {
            keep(processor, None, unreadable, &body).await?;
            return Ok(None);
        }
    };
    if let Some(traceparent) = envelope.attributes.get(TRACEPARENT) {
        context.follow(traceparent);
    }
    tracing::Span::current().record("event_id", tracing::field::display(envelope.event_id));
    Ok(Some((envelope, body)))
}

async fn deliver(processor: Arc<Processor>, envelope: Envelope, body: Bytes) -> Result<StatusCode, Problem> {
    let wait = processor.settings.handler_limit / 2;
    let delivery = processor.attempt(envelope.event_id, Some(envelope.message_id.clone()), wait).await;
    match delivery.map_err(refused)? {
        Delivery::Claimed(ended) => answer(ended),
        Delivery::LeaseAlive | Delivery::AlreadyProcessed => Ok(StatusCode::NO_CONTENT),
        Delivery::TooEarly => {
            nack_unless_copy(&processor, envelope, StatusCode::TOO_EARLY, "its retry is later").await
        }
        Delivery::LostForGood | Delivery::AlreadyDead => {
            nack_unless_copy(&processor, envelope, StatusCode::GONE, "the event is dead").await
        }
        Delivery::NeedsIsolation => Err(nack(StatusCode::TOO_MANY_REQUESTS, "the event has to run alone")),
        Delivery::Unknown => {
            let reason = format!("no event {} was ever accepted", envelope.event_id);
            let unreadable = Unreadable { reason, message_id: Some(envelope.message_id) };
            keep(&processor, Some(envelope.subscription), unreadable, &body).await
        }
    }
}

fn refused(refused: Refused) -> Problem {
    match refused {
        Refused::Busy => nack(StatusCode::TOO_MANY_REQUESTS, "all handlers are busy"),
        Refused::Stopping => nack(StatusCode::SERVICE_UNAVAILABLE, "the service is stopping"),
        Refused::Database(error) => unavailable(&error),
    }
}

/// Nacks the message that brought the latest attempt, so that Pub/Sub delivers it again and, once the event is dead,
/// the subscription's own policy moves it to the dead-letter topic. Every nack slows the subscription down for all
/// messages, so other copies are acknowledged: `due_at` brings the event back without them.
async fn nack_unless_copy(
    processor: &Processor,
    envelope: Envelope,
    status: StatusCode,
    why: &str,
) -> Result<StatusCode, Problem> {
    let brought = processor.store.brought_latest_attempt(envelope.event_id, envelope.message_id).await;
    if brought.map_err(|error| unavailable(&error))? {
        return Err(nack(status, why));
    }
    Ok(StatusCode::NO_CONTENT)
}

fn answer(ended: Ended) -> Result<StatusCode, Problem> {
    match ended {
        Ended::Processed | Ended::Overtaken | Ended::PutBack => Ok(StatusCode::NO_CONTENT),
        Ended::Failed(reason) => Err(nack(StatusCode::UNPROCESSABLE_ENTITY, &reason)),
        Ended::Unknown(error) => Err(unavailable(&error)),
    }
}

/// Stores the push, because nothing is thrown away, and acknowledges it, because a nack would bring it back forever.
pub(crate) async fn keep(
    processor: &Processor,
    subscription: Option<String>,
    unreadable: Unreadable,
    body: &[u8],
) -> Result<StatusCode, Problem> {
    tracing::warn!(
        reason = unreadable.reason,
        message_id = unreadable.message_id,
        "stored a push that is not an event of this service"
    );
    processor
        .store
        .keep_unreadable(subscription, unreadable.message_id, unreadable.reason, body.to_vec())
        .await
        .map_err(|error| unavailable(&error))?;
    Ok(StatusCode::NO_CONTENT)
}

/// Every status that is not an acknowledgement is a nack. These statuses show the reason in the log, and leave 5xx to
/// faults of this service.
fn nack(status: StatusCode, why: &str) -> Problem {
    Problem::new(status, why)
}

pub(crate) fn unavailable(error: &Error) -> Problem {
    match error {
        Error::Unavailable(_) => {
            tracing::warn!(%error, "the delivery is refused and will come again");
            nack(StatusCode::SERVICE_UNAVAILABLE, "the database is not available")
        }
        _ => Problem::internal(error.to_string()),
    }
}
