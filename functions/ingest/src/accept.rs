//! The steps that every event goes through, in whatever form it was sent.

use std::sync::Arc;

use event::{EventId, NewEvent};
use service::memory::Held;
use service::{Problem, RequestContext};
use store::IdempotencyKey;
use tokio::time::{Instant, timeout_at};

use crate::keys::Sender;
use crate::{Ingest, problems};

/// A well-formed event.
pub(crate) struct Incoming {
    pub(crate) event: NewEvent,
    pub(crate) key: Option<IdempotencyKey>,
    /// A refusal by a check whose answer may have been different when the event was first sent. It counts only if the
    /// key is not known.
    pub(crate) refusal: Option<Box<Problem>>,
}

impl Incoming {
    /// Marks the event as refused by a check whose answer changes with time. Without a key there is no way to know that
    /// the event was accepted before, so the refusal is final.
    pub(crate) fn refused(self, problem: Problem) -> Item {
        match (self.key, &self.refusal) {
            (None, _) => Err(problem),
            (Some(_), Some(_)) => Ok(self),
            (Some(_), None) => Ok(Self { refusal: Some(Box::new(problem)), ..self }),
        }
    }
}

/// One event of a request, or the problem that refuses it.
pub(crate) type Item = Result<Incoming, Problem>;

impl Ingest {
    /// Returns once the event is committed.
    pub(crate) async fn accept(
        &self,
        incoming: Incoming,
        held: Held,
        sender: &Sender,
        context: &RequestContext,
    ) -> Result<EventId, Problem> {
        let mut ends = self.accept_all(vec![Ok(incoming)], held, sender, context).await;
        ends.pop().unwrap_or_else(|| Err(Problem::internal("an event has no answer")))
    }

    /// Returns a result for each event, once each is committed or refused. The memory held for the events is released
    /// at that point.
    pub(crate) async fn accept_all(
        &self,
        items: Vec<Item>,
        held: Held,
        sender: &Sender,
        context: &RequestContext,
    ) -> Vec<Result<EventId, Problem>> {
        let deadline = self.limits.answer_deadline;
        let by = Instant::now() + deadline;
        let held = Arc::new(held);
        let mut items: Vec<_> = items.into_iter().map(|item| checked(item?, sender)).collect();
        if let Some(schemas) = &self.schemas {
            items = schemas.check(items, &held).await;
        }
        let mut ends = Vec::with_capacity(items.len());
        let mut late = 0;
        for answer in self.coalescer.add(items, &held, context) {
            ends.push(match answer {
                Ok(answer) => timeout_at(by, answer.wait()).await.map_or_else(
                    |_| {
                        late += 1;
                        Err(problems::too_slow(deadline))
                    },
                    |end| end.map_err(Problem::from),
                ),
                Err(problem) => Err(problem),
            });
        }
        if late > 0 {
            tracing::warn!(
                ?deadline,
                events = late,
                "the deadline passed before events were known to be stored"
            );
        }
        ends
    }
}

/// Applies the checks that depend on the sender.
fn checked(incoming: Incoming, sender: &Sender) -> Item {
    let key = incoming.key.map(|key| key.within(sender.scope()));
    let incoming = Incoming { key, ..incoming };
    match sender.may_send(&incoming.event.event_type) {
        Ok(()) => Ok(incoming),
        Err(problem) => incoming.refused(problem),
    }
}
