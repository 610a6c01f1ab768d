//! What happens to every event, whichever way it came.

use event::{EventId, NewEvent};
use service::{Problem, RequestContext};
use store::IdempotencyKey;
use tokio::time::timeout;

use crate::{Ingest, problems};

/// An event that is well-formed.
pub(crate) struct Incoming {
    pub(crate) event: NewEvent,
    pub(crate) key: Option<IdempotencyKey>,
}

impl Ingest {
    /// Answers once the event is committed. One whose key is known is that event again.
    pub(crate) async fn accept(
        &self,
        incoming: Incoming,
        context: &RequestContext,
    ) -> Result<EventId, Problem> {
        let Incoming { event, key } = incoming;
        let added = self.coalescer.add(event, key, context.traceparent());
        match timeout(self.limits.answer_deadline, added).await {
            Ok(added) => added.map_err(problems::rejected),
            Err(_) => Err(problems::too_slow(self.limits.answer_deadline)),
        }
    }
}
