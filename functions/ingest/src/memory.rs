//! The memory that requests hold here, as part of the budget for requests: decoders, bodies, and events until they are
//! stored.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use event::NewEvent;
use gcp::Caller;
use service::Problem;
use service::memory::{Account, Holder, Memory};

use crate::accept::Item;
use crate::batch;
use crate::keys::Sender;

/// Memory for an event or for the problem that refuses it, beside its text.
const ITEM: usize = 512;

/// The account of a request whose sender is known. The memory of the request counts for its address and for its API key
/// or identity.
pub(crate) struct Paid(pub(crate) Account);

impl<S: Send + Sync> FromRequestParts<S> for Paid {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let account = Account::from_request_parts(parts, state).await?;
        if let Some(key) = parts.extensions.get::<Sender>().and_then(Sender::lineage) {
            account.charge(Holder::Key(Arc::from(key)))?;
        }
        if let Some(caller) = parts.extensions.get::<Caller>() {
            account.charge(Holder::Identity(Arc::from(caller.email.as_str())))?;
        }
        Ok(Self(account))
    }
}

/// The memory that these events hold until they are stored.
pub(crate) fn of(items: &[Item]) -> usize {
    items.iter().map(|item| item.as_ref().map_or(ITEM, |incoming| of_event(&incoming.event))).sum()
}

pub(crate) fn of_event(event: &NewEvent) -> usize {
    let metadata = event.metadata.as_ref().map_or(0, |json| json.get().len());
    ITEM + event.event_type.as_str().len() + event.payload.get().len() + metadata
}

/// The smallest budget in which the share of one sender has room for the largest body. For a moment a body and its
/// events are in memory together, and so are a body and its decoder.
pub(crate) fn least(body_bytes: usize) -> usize {
    const DECODER: usize = 9 * 1024 * 1024;
    const REST: usize = 1024 * 1024;
    let largest = body_bytes.max(batch::MAX_BYTES);
    (largest + largest.max(DECODER) + REST).saturating_mul(Memory::SHARES)
}
