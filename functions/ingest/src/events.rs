use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use event::EventId;
use serde::Serialize;
use service::{Problem, RequestContext};
use utoipa::ToSchema;

use crate::body::Reader;
use crate::keys::Sender;
use crate::media::Media;
use crate::memory::{self, Paid};
use crate::openapi::{NewEvent, Refusals};
use crate::{Ingest, cloudevents, idempotency, plain};

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Accepted {
    success: bool,
    #[schema(value_type = String, format = "uuid")]
    event_id: EventId,
    message: &'static str,
}

enum Form {
    Plain,
    Structured,
    Binary,
}

/// Send an event
///
/// The event has the form of this API, or is a CloudEvent 1.0 in structured or binary mode.
///
/// A CloudEvent in binary mode has its attributes as headers: `ce-specversion`, `ce-id`, `ce-source` and `ce-type` are
/// required, and `ce-time`, `ce-subject`, `ce-dataschema` and extensions are optional. Its body is the data, of any
/// `Content-Type`; this document shows `text/plain` and `application/octet-stream` as examples. Without these headers,
/// a body of `application/json` is an event in the form of this API, a body of `application/cloudevents+json` is a
/// CloudEvent in structured mode, and any other type is refused.
///
/// The body may be compressed: `Content-Encoding: gzip` or `zstd`.
#[utoipa::path(
    post,
    path = "/events",
    operation_id = "sendEvent",
    tag = "events",
    security(("bearer" = []), ("apiKey" = [])),
    params(
        (
            "Idempotency-Key" = Option<String>, Header, pattern = r#"^("[!#-\[\]-~]{1,255}"|[!#-~][!-~]{0,254})$"#,
            description = "A repeated request with the same key and body gets the first answer again, and is one \
                event. Not for CloudEvents, whose `source` and `id` are their key"
        ),
    ),
    request_body(content(
        (
            NewEvent = "application/json",
            examples(("event" = (summary = "An event", value = json!({
                "eventType": "user.signup",
                "payload": { "userId": "123", "email": "user@example.com" },
                "metadata": { "source": "web" }
            }))))
        ),
        (
            ref("#/components/schemas/CloudEvent") = "application/cloudevents+json",
            examples(("cloudEvent" = (summary = "A CloudEvent in structured mode", value = json!({
                "specversion": "1.0", "id": "A234-1234-1234", "source": "/shop/1", "type": "order.paid",
                "time": "2026-01-31T12:00:00Z", "data": { "order": 1 }
            }))))
        ),
        (
            ref("#/components/schemas/TextData") = "text/plain",
            examples(("binary" = (summary = "The data of a CloudEvent in binary mode", value = json!("order 1 is paid"))))
        ),
        (
            ref("#/components/schemas/BinaryData") = "application/octet-stream",
            examples(("bytes" = (summary = "The same with bytes", value = json!("\u{1}\u{2}"))))
        ),
    )),
    responses(
        Refusals,
        (
            status = 201, body = Accepted, description = "The event is committed",
            example = json!({
                "success": true, "eventId": "019ab7c8-3f3e-7c50-9a52-0a6a8a0c8a11",
                "message": "Event received and queued for processing"
            })
        ),
    ),
)]
pub(crate) async fn post(
    State(ingest): State<Ingest>,
    sender: Sender,
    Paid(account): Paid,
    context: RequestContext,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Accepted>), Problem> {
    let form = form(&headers)?;
    let key = match form {
        Form::Plain => idempotency::of_header(&headers)?,
        Form::Structured | Form::Binary => {
            idempotency::no_header(&headers, "is not for a CloudEvent, whose source and id are its key")?;
            None
        }
    };
    let (limit, deadline) = (ingest.limits.body_bytes, ingest.limits.body_deadline);
    let body = Reader::of(&headers, body, limit, deadline, &account)?.whole(&account).await?;
    // The event is a copy of parts of the body, so both need memory at the same time.
    let mut held = account.hold(body.bytes.len())?;
    let incoming = match form {
        Form::Plain => plain::read(&body.bytes, 0, key, ingest.keys_last),
        Form::Structured => cloudevents::structured(&body.bytes, 0, ingest.keys_last),
        Form::Binary => cloudevents::binary(&headers, &body.bytes, ingest.keys_last),
    }?;
    drop(body);
    held.resize(memory::of_event(&incoming.event))?;
    let event_id = ingest.accept(incoming, held, &sender, &context).await?;
    tracing::Span::current().record("event_id", tracing::field::display(event_id));
    let accepted = Accepted { success: true, event_id, message: "Event received and queued for processing" };
    Ok((StatusCode::CREATED, Json(accepted)))
}

fn form(headers: &HeaderMap) -> Result<Form, Problem> {
    let media = Media::of(headers);
    let form = match media.essence.as_str() {
        "application/cloudevents+json" => Form::Structured,
        "application/cloudevents-batch+json" => {
            return Err(media.refused("application/cloudevents+json, and a batch goes to /events/batch"));
        }
        // Other formats, such as XML and Avro, are not supported. They have the attributes in the body too.
        essence if essence.starts_with("application/cloudevents") => {
            return Err(media.refused("application/cloudevents+json"));
        }
        _ if cloudevents::header_of_one(headers).is_some() => return Ok(Form::Binary),
        "application/json" => Form::Plain,
        _ => return Err(media.refused("application/json or application/cloudevents+json")),
    };
    media.require_utf_8()?;
    Ok(form)
}
