//! What happens to every event, whichever way it came.

use std::sync::Arc;

use event::{EventId, NewEvent};
use service::memory::Held;
use service::{Problem, RequestContext};
use store::IdempotencyKey;
use tokio::time::{Instant, timeout_at};

use crate::keys::Sender;
use crate::{Ingest, problems};

/// An event that is well-formed.
pub(crate) struct Incoming {
    pub(crate) event: NewEvent,
    pub(crate) key: Option<IdempotencyKey>,
    /// What a check says that may have said otherwise when the event came first. It counts only where the key is not known.
    pub(crate) refusal: Option<Box<Problem>>,
}

impl Incoming {
    /// By a check whose answer changes with time. Without a key nobody can know that the event was taken before.
    pub(crate) fn refused(self, problem: Problem) -> Item {
        match (self.key, &self.refusal) {
            (None, _) => Err(problem),
            (Some(_), Some(_)) => Ok(self),
            (Some(_), None) => Ok(Self { refusal: Some(Box::new(problem)), ..self }),
        }
    }
}

/// What was sent as an event.
pub(crate) type Item = Result<Incoming, Problem>;

impl Ingest {
    /// Answers once the event is committed.
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

    /// Answers for each of them, once each is committed or refused. What is held for them is given back when they are.
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
            tracing::warn!(?deadline, events = late, "events are not known to be stored");
        }
        ends
    }
}

/// What the door has to say about an event, now that it is known.
fn checked(incoming: Incoming, sender: &Sender) -> Item {
    let key = incoming.key.map(|key| key.within(sender.scope()));
    let incoming = Incoming { key, ..incoming };
    match sender.may_send(&incoming.event.event_type) {
        Ok(()) => Ok(incoming),
        Err(problem) => incoming.refused(problem),
    }
}
