mod answer;
pub(crate) mod array;
pub(crate) mod lines;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use event::Invalid;
use service::memory::{Account, Held};
use service::{Problem, RequestContext};

use self::answer::Answer;
use crate::accept::Item;
use crate::body::Reader;
use crate::coalescer::MAX_BATCH;
use crate::keys::Sender;
use crate::media::Media;
use crate::memory::{self, Paid};
use crate::openapi::Refusals;
use crate::{Ingest, cloudevents, idempotency, plain, problems};

/// The largest batch fits in one statement.
pub(crate) const MAX_EVENTS: usize = MAX_BATCH;
pub(crate) const MAX_BYTES: usize = 10 * 1024 * 1024;

const WANTED: &str = "application/json, application/x-ndjson or application/cloudevents-batch+json (one CloudEvent \
    goes to /events)";

#[derive(PartialEq)]
enum Form {
    Array,
    Lines,
    CloudEvents,
}

/// Send a batch of events
///
/// A batch has at most 500 events and 10 MiB, also after decompression. Each event has its own result, at its place in
/// the batch, and may have its own idempotency key. The body may be compressed: `Content-Encoding: gzip` or `zstd`.
#[utoipa::path(
    post,
    path = "/events/batch",
    operation_id = "sendBatch",
    tag = "events",
    security(("bearer" = []), ("apiKey" = [])),
    request_body(content(
        (
            ref("#/components/schemas/Batch") = "application/json",
            examples(
                ("array" = (summary = "An array", value = json!([
                    { "eventType": "user.signup", "payload": { "userId": "124" } },
                    { "eventType": "order.paid", "payload": { "order": 1 }, "idempotencyKey": "order-1-paid" }
                ]))),
                ("wrapped" = (summary = "The same in an object", value = json!({ "events": [
                    { "eventType": "user.signup", "payload": { "userId": "125" } }
                ] })))
            )
        ),
        (
            ref("#/components/schemas/NewEvents") = "application/x-ndjson",
            examples(("lines" = (
                summary = "A line for each event",
                value = json!("{\"eventType\":\"a\",\"payload\":{}}\n{\"eventType\":\"b\",\"payload\":{}}\n")
            )))
        ),
        (
            ref("#/components/schemas/CloudEvents") = "application/cloudevents-batch+json",
            examples(("cloudEvents" = (summary = "CloudEvents", value = json!([
                { "specversion": "1.0", "id": "1", "source": "/shop/1", "type": "order.paid", "data": { "order": 2 } }
            ]))))
        ),
    )),
    responses(
        Refusals,
        (status = 201, body = Answer, description = "All events are committed"),
        (
            status = 207, body = Answer, description = "Some events are committed",
            headers(("Retry-After" = Option<i64>, description = "Present if the events with status 503 should be sent again"))
        ),
        (status = 400, description = "No event is committed, or the body is not a batch", content(
            (Answer = "application/json"), (Problem = "application/problem+json")
        )),
        (status = 500, description = "No event is committed, because of an error in this service", content(
            (Answer = "application/json"), (Problem = "application/problem+json")
        )),
        (
            status = 503, description = "No event is committed, and the batch should be sent again", content(
                (Answer = "application/json"), (Problem = "application/problem+json")
            ),
            headers(("Retry-After" = i64))
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
) -> Result<Answer, Problem> {
    let form = form(&headers)?;
    idempotency::no_header(
        &headers,
        "is for one event: in a batch each has its own, as the member idempotencyKey",
    )?;
    let reader = Reader::of(&headers, body, MAX_BYTES, ingest.limits.body_deadline, &account)?;
    let limit = ingest.limits.body_bytes;
    let read = |bytes: &[u8], offset| plain::read(bytes, offset, None, ingest.keys_last);
    let cloud_event = |bytes: &[u8], offset| cloudevents::structured(bytes, offset, ingest.keys_last);
    let (items, mut held) = match form {
        Form::Array => document(reader, &account, |body| array::read(body, limit, read)).await?,
        Form::Lines => lines(reader, &account, lines::Lines::new(limit, read)).await?,
        Form::CloudEvents => {
            document(reader, &account, |body| array::read_bare(body, limit, cloud_event)).await?
        }
    };
    held.resize(memory::of(&items))?;
    // The specification lets a batch of CloudEvents be empty.
    if items.is_empty() && form != Form::CloudEvents {
        return Err(problems::invalid(Invalid::at(0, "the batch is empty; it must have an event".into())));
    }
    sender.charge_others(items.len())?;
    Ok(Answer::of(ingest.accept_all(items, held, &sender, &context).await))
}

fn form(headers: &HeaderMap) -> Result<Form, Problem> {
    let media = Media::of(headers);
    let form = match media.essence.as_str() {
        "application/json" => Form::Array,
        "application/x-ndjson" => Form::Lines,
        "application/cloudevents-batch+json" => Form::CloudEvents,
        _ => return Err(media.refused(WANTED)),
    };
    media.require_utf_8()?;
    // With a format of CloudEvents, the attributes may be repeated as headers.
    if form != Form::CloudEvents
        && let Some(header) = cloudevents::header_of_one(headers)
    {
        let detail = format!("the header {header} makes one CloudEvent, which goes to /events");
        return Err(Problem::new(StatusCode::BAD_REQUEST, detail).with("field", header));
    }
    Ok(form)
}

async fn document(
    reader: Reader,
    account: &Account,
    read: impl FnOnce(&[u8]) -> Result<Vec<Item>, Problem>,
) -> Result<(Vec<Item>, Held), Problem> {
    let body = reader.whole(account).await?;
    // The events are copies of parts of the body, so both need memory at the same time.
    let held = account.hold(body.bytes.len())?;
    Ok((read(&body.bytes)?, held))
}

async fn lines(
    mut reader: Reader,
    account: &Account,
    mut lines: lines::Lines<impl Fn(&[u8], usize) -> Item>,
) -> Result<(Vec<Item>, Held), Problem> {
    let (mut chunk, mut chunk_held, mut held) = (Vec::new(), account.hold(0)?, account.hold(0)?);
    while reader.next(&mut chunk, &mut chunk_held).await? {
        // The buffer of the current line grows by doubling, and the earlier events are held beside it.
        held.grow(2 * chunk.len())?;
        lines.push(&chunk)?;
        chunk.clear();
    }
    Ok((lines.end()?, held))
}

fn too_many() -> Problem {
    problems::too_large("the batch", MAX_EVENTS, "events")
}

fn too_large(limit: usize) -> Problem {
    problems::too_large("the event", limit, "bytes")
}
