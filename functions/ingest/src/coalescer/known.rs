//! Events whose keys were known before they came.

use std::sync::Arc;

use event::EventId;
use store::{IdempotencyKey, KnownKey};

use super::{Rejected, Waiting, Writer, now, refuse};

impl Writer {
    /// A second look, beside the next batch. Nothing is published: if the first time it was not, the relay will.
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

    /// Their keys were stored when all senders shared one namespace. Whoever sends the event that is stored is answered with it.
    /// Another event is of another sender, whose key this is not, so it is written as one with a new key.
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
    /// None, and answered, where a check refused it.
    pub(super) fn stored(mut self) -> Option<Self> {
        match self.refusal.take() {
            None => Some(self),
            Some(problem) => {
                let _ = self.answer.send(Err(Rejected::ByCheck(problem)));
                None
            }
        }
    }

    /// A client that went away has nobody to answer.
    fn answer(self, answer: Result<EventId, Rejected>) {
        let _ = self.answer.send(answer);
    }

    /// Its key was found, and has expired since: it is as unknown.
    fn gone(mut self) {
        let why = self.refusal.take().map_or(Rejected::KeyGone, Rejected::ByCheck);
        self.answer(Err(why));
    }
}
