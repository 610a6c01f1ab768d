//! Events in the form of this API, as opposed to CloudEvents.

use std::time::Duration;

use event::NewEvent;
use store::IdempotencyKey;

use crate::accept::{Incoming, Item};
use crate::{idempotency, problems};

/// `offset` is the position of these bytes in the whole body, and `header` is the key from the request header.
pub(crate) fn read(bytes: &[u8], offset: usize, header: Option<&str>, keys_last: Duration) -> Item {
    let event = NewEvent::parse(bytes).map_err(|invalid| problems::invalid(invalid.behind(offset)))?;
    let member = event.idempotency_key.as_deref().map(idempotency::of_member).transpose()?;
    let key = idempotency::either(header, member)?;
    let key = key.map(|key| IdempotencyKey::new(key, bytes, keys_last));
    Ok(Incoming { event, key, refusal: None })
}
