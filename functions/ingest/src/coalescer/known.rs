//! Answers events whose keys were already known.

use std::sync::Arc;

use event::EventId;
use store::{IdempotencyKey, KnownKey};

use super::{Rejected, Waiting, Writer, now, refuse};

impl Writer {
    /// Looks up the events of known keys, beside the next batch. Nothing is published here: if an event was not
    /// published the first time, the relay publishes it.
    pub(super) fn answer_known(self: &Arc<Self>, known: Vec<Waiting>) {
        if known.is_empty() {
            return;
        }
        let writer = Arc::clone(self);
        tokio::spawn(async move {
            match writer.store.known_keys(known.iter().filter_map(|waiting| waiting.key).collect()).await {
                Ok(keys) => {
                    let mut unscoped = Vec::new();
                    for (waiting, key) in known.into_iter().zip(keys) {
                        match key {
                            KnownKey::Same(id) => waiting.answer(Ok(id)),
                            KnownKey::OtherBody => waiting.answer(Err(Rejected::KeyOfAnother)),
                            KnownKey::Unscoped(id) => unscoped.push((id, waiting)),
                            KnownKey::Gone => waiting.gone(),
                        }
                    }
                    writer.answer_unscoped(unscoped).await;
                }
                Err(error) => refuse(known, error),
            }
        });
    }

    /// Handles keys that were stored when all senders shared one namespace. A sender of the stored event is answered
    /// with its ID. A different event comes from another sender, to whom the stored key does not belong, so the event
    /// is written with a new key.
    async fn answer_unscoped(self: &Arc<Self>, unscoped: Vec<(EventId, Waiting)>) {
        let events = unscoped.iter().map(|(id, waiting)| (*id, &waiting.event)).collect();
        match self.store.same_events(events).await {
            Ok(same) => {
                let mut others = Vec::new();
                for (place, (id, waiting)) in unscoped.into_iter().enumerate() {
                    if same.contains(&place) {
                        waiting.answer(Ok(id));
                    } else {
                        others
                            .push(Waiting { key: waiting.key.map(IdempotencyKey::scoped_alone), ..waiting });
                    }
                }
                if !others.is_empty() {
                    Box::pin(self.write(others, now())).await;
                }
            }
            Err(error) => refuse(unscoped.into_iter().map(|(_, waiting)| waiting).collect(), error),
        }
    }
}

impl Waiting {
    /// Returns the event to store. If a check refused the event, it is answered with the refusal, and the result is
    /// None.
    pub(super) fn stored(mut self) -> Option<Self> {
        match self.refusal.take() {
            None => Some(self),
            Some(problem) => {
                let _ = self.answer.send(Err(Rejected::ByCheck(problem)));
                None
            }
        }
    }

    /// Sending fails only if the client went away.
    fn answer(self, answer: Result<EventId, Rejected>) {
        let _ = self.answer.send(answer);
    }

    /// The key was found and has expired since, so the event is answered as if its key were unknown.
    fn gone(mut self) {
        let why = self.refusal.take().map_or(Rejected::KeyGone, Rejected::ByCheck);
        self.answer(Err(why));
    }
}
