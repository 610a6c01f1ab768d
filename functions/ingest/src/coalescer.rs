mod known;

use std::collections::HashSet;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use event::{EventId, NewEvent};
use gcp::{Message, Publisher};
use service::memory::Held;
use service::{Problem, RequestContext};
use store::{Batch, Error, IdempotencyKey, Store};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::task::{JoinHandle, JoinSet};
use uuid::Uuid;

use crate::accept::Incoming;

/// A statement of more events is no faster, and its rows are held longer.
pub(crate) const MAX_BATCH: usize = 500;
/// Where so many wait, they go in a second statement beside the one under way: by then it costs less than the wait.
const FULL: usize = 100;
const MOST_STATEMENTS: usize = 2;
/// Events that wait for the statements under way. One more is told to come back.
const MAX_WAITING: usize = 2_000;
/// A statement takes no more bytes, but for what came together. While it is under way they are there four times: here, as columns,
/// and in two buffers of the connection.
const MAX_STATEMENT_BYTES: usize = 8 * 1024 * 1024;

/// Events that arrive together share one statement and one commit. What arrives while it is under way is the next batch, so an event
/// that is alone goes at once and no timer is needed.
#[derive(Clone)]
pub struct Coalescer {
    groups: mpsc::UnboundedSender<Group>,
    places: Arc<Semaphore>,
    full: Arc<Notify>,
}

#[derive(Clone, Debug)]
pub(crate) enum Rejected {
    TooManyEvents {
        limit: usize,
    },
    Store(Arc<Error>),
    /// The idempotency key came with another body before.
    KeyOfAnother,
    KeyGone,
    /// A check had refused the event, and its key is not known.
    ByCheck(Box<Problem>),
    /// The writer has ended: the process is about to.
    Gone,
}

/// To an event that waits.
pub(crate) struct Answer(oneshot::Receiver<Result<EventId, Rejected>>);

/// What came together, and goes in one statement.
struct Group {
    events: Vec<Waiting>,
    bytes: usize,
    _places: OwnedSemaphorePermit,
}

struct Waiting {
    event: NewEvent,
    key: Option<IdempotencyKey>,
    /// Why it is not stored, unless its key is known.
    refusal: Option<Box<Problem>>,
    /// What the message says, and what of it stays with the event for whoever publishes it again.
    traceparent: Arc<str>,
    trace_id: Uuid,
    answer: oneshot::Sender<Result<EventId, Rejected>>,
    /// Given back when the last of its group is stored.
    _held: Arc<Held>,
}

struct Writer {
    store: Store,
    publisher: Publisher,
    first_due: Duration,
    places: Arc<Semaphore>,
    full: Arc<Notify>,
}

impl Group {
    /// Out of the queue, where others have its places now.
    fn taken(self) -> Vec<Waiting> {
        self.events
    }
}

impl Answer {
    /// Comes once the event is committed, and published where that is quick. One whose key is known is that event again.
    pub(crate) async fn wait(self) -> Result<EventId, Rejected> {
        self.0.await.unwrap_or(Err(Rejected::Gone))
    }
}

impl Coalescer {
    pub fn start(store: Store, publisher: Publisher, first_due: Duration) -> (Self, JoinHandle<()>) {
        let (groups, receiver) = mpsc::unbounded_channel();
        let places = Arc::new(Semaphore::new(MAX_WAITING));
        let full = Arc::new(Notify::new());
        let writer = Writer { store, publisher, first_due, places: places.clone(), full: full.clone() };
        (Self { groups, places, full }, tokio::spawn(Arc::new(writer).run(receiver)))
    }

    /// Those that are events wait all together, and go in one statement where they are no more than one takes, or none does.
    pub(crate) fn add<E: From<Rejected>>(
        &self,
        items: Vec<Result<Incoming, E>>,
        held: &Arc<Held>,
        context: &RequestContext,
    ) -> Vec<Result<Answer, E>> {
        match self.enter(items.iter().flatten().count()) {
            Ok(places) => {
                let mut group = Group { events: Vec::new(), bytes: held.bytes(), _places: places };
                let (traceparent, trace_id) = (Arc::from(context.traceparent()), context.trace_id());
                let mut wait = |Incoming { event, key, refusal }| {
                    let (answer, answered) = oneshot::channel();
                    let traceparent = Arc::clone(&traceparent);
                    let held = Arc::clone(held);
                    let waiting = Waiting { event, key, refusal, traceparent, trace_id, answer, _held: held };
                    group.events.push(waiting);
                    Answer(answered)
                };
                let answers = items.into_iter().map(|item| item.map(&mut wait)).collect();
                if !group.events.is_empty() {
                    // Where the writer has gone, so have the other ends of the answers.
                    let _ = self.groups.send(group);
                    if waiting(&self.places) >= FULL {
                        self.full.notify_one();
                    }
                }
                answers
            }
            Err(rejected) => {
                items.into_iter().map(|item| item.and_then(|_| Err(rejected.clone().into()))).collect()
            }
        }
    }

    fn enter(&self, events: usize) -> Result<OwnedSemaphorePermit, Rejected> {
        let events = u32::try_from(events).unwrap_or(u32::MAX);
        let places = self.places.clone().try_acquire_many_owned(events);
        places.map_err(|_| Rejected::TooManyEvents { limit: MAX_WAITING })
    }
}

impl Writer {
    async fn run(self: Arc<Self>, mut groups: mpsc::UnboundedReceiver<Group>) {
        let mut under_way = JoinSet::new();
        let mut next = groups.recv().await;
        while let Some(group) = next {
            let mut bytes = group.bytes;
            let mut batch = group.taken();
            next = loop {
                match groups.try_recv() {
                    Ok(group)
                        if batch.len() + group.events.len() <= MAX_BATCH
                            && bytes + group.bytes <= MAX_STATEMENT_BYTES =>
                    {
                        bytes += group.bytes;
                        batch.extend(group.taken());
                    }
                    Ok(group) => break Some(group),
                    Err(_) => break None,
                }
            };
            // Who has been answered that it takes too long, or has gone, waits for nothing.
            batch.retain(|waiting| !waiting.answer.is_closed());
            let writer = Arc::clone(&self);
            under_way.spawn(async move { writer.write(batch, now()).await });
            self.turn(&mut under_way).await;
            if next.is_none() {
                next = groups.recv().await;
            }
        }
        under_way.join_all().await;
    }

    /// Until there may be one more statement.
    async fn turn(&self, under_way: &mut JoinSet<()>) {
        while under_way.len() >= MOST_STATEMENTS || !under_way.is_empty() && waiting(&self.places) < FULL {
            tokio::select! {
                ended = under_way.join_next() => {
                    if let Some(Err(panicked)) = ended {
                        resume_unwind(panicked.into_panic());
                    }
                }
                () = self.full.notified(), if under_way.len() < MOST_STATEMENTS => {}
            }
        }
    }

    async fn write(self: &Arc<Self>, batch: Vec<Waiting>, now: Duration) {
        let ids: Vec<_> = batch.iter().map(|_| EventId::mint(now)).collect();
        match self.insert(&ids, &batch).await {
            Ok(known) => {
                let rows = ids.into_iter().zip(batch);
                let (known, new): (Vec<_>, Vec<_>) = rows.partition(|(id, _)| known.contains(id));
                service::fault::point("after-commit");
                self.publish(
                    new.into_iter().filter_map(|(id, waiting)| Some((id, waiting.stored()?))).collect(),
                );
                self.answer_known(known.into_iter().map(|(_, waiting)| waiting).collect());
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
            match (waiting.key, &waiting.refusal) {
                (Some(key), None) => batch.push_keyed(*id, &waiting.event, waiting.trace_id, key),
                (Some(key), Some(_)) => batch.push_look(*id, key),
                (None, _) => batch.push(*id, &waiting.event, waiting.trace_id),
            }
        }
        self.store.insert(batch, self.first_due).await
    }

    /// Beside the next batch, and answers behind it, since Cloud Run promises no CPU after the answer.
    fn publish(&self, stored: Vec<(EventId, Waiting)>) {
        let publisher = self.publisher.clone();
        // What is stored is held no longer.
        let stored = stored.into_iter().map(|(id, Waiting { event, traceparent, answer, .. })| {
            (id, event.event_type, traceparent, answer)
        });
        let stored: Vec<_> = stored.collect();
        tokio::spawn(async move {
            let messages = stored.iter().map(|(id, event_type, traceparent, _)| Message {
                event_id: id.to_string(),
                event_type: event_type.as_str().to_owned(),
                traceparent: Some(traceparent.to_string()),
            });
            let results = publisher.publish(messages.collect()).await;
            if let Some(Err(error)) = results.iter().find(|result| result.is_err()) {
                let events = results.iter().filter(|result| result.is_err()).count();
                tracing::warn!(%error, events, "stored and not published: the relay will");
            }
            for (id, .., answer) in stored {
                // A client that went away has nobody to answer; its event stays.
                let _ = answer.send(Ok(id));
            }
        });
    }
}

fn waiting(places: &Semaphore) -> usize {
    MAX_WAITING - places.available_permits()
}

/// Logged here, once for all that share the statement.
fn refuse(batch: Vec<Waiting>, error: Error) {
    let events = batch.len();
    match &error {
        Error::Unavailable(_) => tracing::warn!(%error, events, "events cannot be stored"),
        Error::Refused(_) => {
            tracing::error!(%error, events, "an event that passed the checks was refused by the database");
        }
        // Its problem logs it.
        _ => {}
    }
    let error = Arc::new(error);
    for waiting in batch {
        let _ = waiting.answer.send(Err(Rejected::Store(error.clone())));
    }
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
