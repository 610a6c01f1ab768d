use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use event::{EventId, NewEvent};
use gcp::{Message, Publisher};
use store::{Batch, Error, IdempotencyKey, KnownKey, Store};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;

/// A statement of more events is no faster, and its rows are held longer.
const MAX_BATCH: usize = 500;
/// Requests that wait for the statement under way. One more is told to come back.
const MAX_WAITING: usize = 2_000;
/// What they and the statement under way may hold.
const MAX_WAITING_BYTES: u32 = 64 * 1024 * 1024;

/// Requests that arrive together share one statement and one commit. One batch is in flight at a time: what arrives meanwhile
/// is the next batch, so a request that is alone goes at once and no timer is needed.
#[derive(Clone)]
pub struct Coalescer {
    waiting: mpsc::Sender<Waiting>,
    room: Arc<Semaphore>,
}

#[derive(Debug)]
pub(crate) enum Rejected {
    TooManyEvents {
        limit: usize,
    },
    TooManyBytes {
        limit: u32,
    },
    Store(Arc<Error>),
    /// The idempotency key came with another body before.
    KeyOfAnother,
    KeyGone,
    /// The writer has ended: the process is about to.
    Gone,
}

struct Waiting {
    event: NewEvent,
    key: Option<IdempotencyKey>,
    traceparent: String,
    answer: oneshot::Sender<Result<EventId, Rejected>>,
    _room: OwnedSemaphorePermit,
}

struct Writer {
    store: Store,
    publisher: Publisher,
    first_due: Duration,
}

impl Coalescer {
    pub fn start(store: Store, publisher: Publisher, first_due: Duration) -> (Self, JoinHandle<()>) {
        let (sender, receiver) = mpsc::channel(MAX_WAITING);
        let writer = Writer { store, publisher, first_due };
        let room = Arc::new(Semaphore::new(MAX_WAITING_BYTES as usize));
        (Self { waiting: sender, room }, tokio::spawn(writer.run(receiver)))
    }

    /// Answers once the event is committed, and published where that is quick. One whose key is known is that event again.
    pub(crate) async fn add(
        &self,
        event: NewEvent,
        key: Option<IdempotencyKey>,
        traceparent: String,
    ) -> Result<EventId, Rejected> {
        // One that is larger than all of the room waits alone.
        let size = size(&event).min(MAX_WAITING_BYTES);
        let Ok(room) = self.room.clone().try_acquire_many_owned(size) else {
            return Err(Rejected::TooManyBytes { limit: MAX_WAITING_BYTES });
        };
        let (answer, answered) = oneshot::channel();
        self.waiting.try_send(Waiting { event, key, traceparent, answer, _room: room }).map_err(|error| {
            match error {
                mpsc::error::TrySendError::Full(_) => Rejected::TooManyEvents { limit: MAX_WAITING },
                mpsc::error::TrySendError::Closed(_) => Rejected::Gone,
            }
        })?;
        answered.await.unwrap_or(Err(Rejected::Gone))
    }
}

impl Writer {
    async fn run(self, mut receiver: mpsc::Receiver<Waiting>) {
        let mut batch = Vec::new();
        while receiver.recv_many(&mut batch, MAX_BATCH).await > 0 {
            // Who has been answered that it takes too long, or has gone, waits for nothing.
            batch.retain(|waiting: &Waiting| !waiting.answer.is_closed());
            self.write(std::mem::take(&mut batch), now()).await;
        }
    }

    async fn write(&self, batch: Vec<Waiting>, now: Duration) {
        let ids: Vec<_> = batch.iter().map(|_| EventId::mint(now)).collect();
        match self.insert(&ids, &batch).await {
            Ok(known) => {
                let rows = ids.into_iter().zip(batch);
                let (known, stored): (Vec<_>, Vec<_>) = rows.partition(|(id, _)| known.contains(id));
                service::fault::point("after-commit");
                self.publish(stored);
                self.answer_known(known);
            }
            // Our clock is off: the database's decides, so that ids fall into partitions that are there.
            Err(Error::ClockOff { database_time }) => {
                tracing::warn!(ours = ?now, database = ?database_time, "this machine's clock is off");
                Box::pin(self.write(batch, database_time)).await;
            }
            // One row that the database refuses must hurt nobody else.
            Err(Error::Refused(error)) if batch.len() > 1 => {
                tracing::warn!(%error, events = batch.len(), "a batch was refused: trying its halves");
                let mut first = batch;
                let second = first.split_off(first.len() / 2);
                Box::pin(self.write(first, now)).await;
                Box::pin(self.write(second, now)).await;
            }
            Err(error) => refuse(batch, error),
        }
    }

    async fn insert(&self, ids: &[EventId], waiting: &[Waiting]) -> Result<HashSet<EventId>, Error> {
        let mut batch = Batch::default();
        for (id, waiting) in ids.iter().zip(waiting) {
            match waiting.key {
                Some(key) => batch.push_keyed(*id, &waiting.event, key),
                None => batch.push(*id, &waiting.event),
            }
        }
        self.store.insert(batch, self.first_due).await
    }

    /// Beside the next batch, and answers behind it, since Cloud Run promises no CPU after the answer.
    fn publish(&self, stored: Vec<(EventId, Waiting)>) {
        let publisher = self.publisher.clone();
        tokio::spawn(async move {
            let messages = stored.iter().map(|(id, waiting)| Message {
                event_id: id.to_string(),
                event_type: waiting.event.event_type.as_str().to_owned(),
                traceparent: Some(waiting.traceparent.clone()),
            });
            let results = publisher.publish(messages.collect()).await;
            if let Some(Err(error)) = results.iter().find(|result| result.is_err()) {
                let events = results.iter().filter(|result| result.is_err()).count();
                tracing::warn!(%error, events, "stored and not published: the relay will");
            }
            for (id, waiting) in stored {
                // A client that went away has nobody to answer; its event stays.
                let _ = waiting.answer.send(Ok(id));
            }
        });
    }

    /// A second look, beside the next batch too. Nothing is published: if the first time it was not, the relay will.
    fn answer_known(&self, known: Vec<(EventId, Waiting)>) {
        if known.is_empty() {
            return;
        }
        let store = self.store.clone();
        tokio::spawn(async move {
            let waiting: Vec<_> = known.into_iter().map(|(_, waiting)| waiting).collect();
            match store.known_keys(waiting.iter().filter_map(|waiting| waiting.key).collect()).await {
                Ok(keys) => {
                    for (waiting, key) in waiting.into_iter().zip(keys) {
                        let _ = waiting.answer.send(match key {
                            KnownKey::Same(id) => Ok(id),
                            KnownKey::OtherBody => Err(Rejected::KeyOfAnother),
                            KnownKey::Gone => Err(Rejected::KeyGone),
                        });
                    }
                }
                Err(error) => refuse(waiting, error),
            }
        });
    }
}

fn refuse(batch: Vec<Waiting>, error: Error) {
    let error = Arc::new(error);
    for waiting in batch {
        let _ = waiting.answer.send(Err(Rejected::Store(error.clone())));
    }
}

fn size(event: &NewEvent) -> u32 {
    let texts = [
        event.event_type.as_str(),
        event.payload.get(),
        event.metadata.as_ref().map_or("", |json| json.get()),
    ];
    u32::try_from(texts.iter().map(|text| text.len()).sum::<usize>()).unwrap_or(u32::MAX)
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
