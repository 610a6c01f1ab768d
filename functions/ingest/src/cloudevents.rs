//! Reads CloudEvents 1.0 as events of this service: `type` becomes the event type, `data` the payload, and everything
//! else goes into the metadata. This module only reads bytes and headers.

mod attributes;
mod binary;
mod data;
mod header;
mod rules;
mod structured;

use std::time::Duration;

use event::NewEvent;
use serde::Serialize;
use serde_json::value::to_raw_value;
use service::Problem;
use store::IdempotencyKey;

pub(crate) use self::binary::{binary, header_of_one};
pub(crate) use self::structured::structured;

use self::attributes::{Attributes, Context};
use self::data::Data;
use crate::accept::{Incoming, Item};
use crate::problems;

#[derive(Serialize)]
struct Metadata<'a> {
    cloudevents: Kept<'a>,
}

#[derive(Serialize)]
struct Kept<'a> {
    #[serde(flatten)]
    context: &'a Context,
    /// The place of the data in the payload, because not every payload is the data themselves.
    data: &'static str,
}

fn incoming(attributes: Attributes, data: &Data, keys_last: Duration) -> Item {
    let (event_type, context) = attributes.read().map_err(problems::invalid)?;
    let (payload, place) = data.payload().map_err(Problem::internal)?;
    let metadata = Metadata { cloudevents: Kept { context: &context, data: place } };
    let metadata = to_raw_value(&metadata).map_err(Problem::internal)?;
    let key = IdempotencyKey::of_cloud_event(&context.source, &context.id, keys_last);
    let event = NewEvent { event_type, payload, metadata: Some(metadata), idempotency_key: None };
    Ok(Incoming { event, key: Some(key), refusal: None })
}
