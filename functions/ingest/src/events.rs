use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use event::EventId;
use serde::Serialize;
use service::{Problem, RequestContext};

use crate::body::Reader;
use crate::keys::Sender;
use crate::media::Media;
use crate::{Ingest, cloudevents, idempotency, plain};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Accepted {
    success: bool,
    event_id: EventId,
    message: &'static str,
}

enum Form {
    Plain,
    Structured,
    Binary,
}

/// `POST /events`
pub(crate) async fn post(
    State(ingest): State<Ingest>,
    sender: Sender,
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
    let mut body = Reader::of(&headers, body, ingest.limits.body_bytes, ingest.limits.body_deadline)?;
    let body = body.whole().await?;
    let incoming = match form {
        Form::Plain => plain::read(&body, 0, key, ingest.keys_last),
        Form::Structured => cloudevents::structured(&body, 0, ingest.keys_last),
        Form::Binary => cloudevents::binary(&headers, &body, ingest.keys_last),
    }?;
    let event_id = ingest.accept(incoming, &sender, &context).await?;
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
        // XML, Avro and the like, whose attributes are in the body too.
        essence if essence.starts_with("application/cloudevents") => {
            return Err(media.refused("application/cloudevents+json"));
        }
        _ if cloudevents::is_binary(headers) => return Ok(Form::Binary),
        "application/json" => Form::Plain,
        _ => return Err(media.refused("application/json or application/cloudevents+json")),
    };
    media.require_utf_8()?;
    Ok(form)
}
