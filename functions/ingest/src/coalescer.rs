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

/// A statement of more events is no faster, and it holds its rows longer.
pub(crate) const MAX_BATCH: usize = 500;
/// If this many events wait, they go in a second statement beside the current one, because by then a statement costs
/// less than the wait.
const FULL: usize = 100;
const MOST_STATEMENTS: usize = 2;
/// The most events that may wait for the running statements. Any further event is refused and should be sent again.
const MAX_WAITING: usize = 2_000;
/// The most bytes in one statement, unless a single request has more. During the statement its events are in memory
/// four times: here, as columns, and in two buffers of the connection.
const MAX_STATEMENT_BYTES: usize = 8 * 1024 * 1024;

/// Events that arrive together share one statement and one commit. Events that arrive during it form the next batch, so an event
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
    /// The idempotency key was used before with another body.
    KeyOfAnother,
    KeyGone,
    /// A check refused the event, and its key is not known.
    ByCheck(Box<Problem>),
    /// The writer has ended, because the process is about to end.
    Gone,
}

/// Resolves to the result of a waiting event.
pub(crate) struct Answer(oneshot::Receiver<Result<EventId, Rejected>>);

/// The events of one request, which go in one statement.
struct Group {
    events: Vec<Waiting>,
    bytes: usize,
    _places: OwnedSemaphorePermit,
}

struct Waiting {
    event: NewEvent,
    key: Option<IdempotencyKey>,
    /// The reason not to store the event, unless its key is known.
    refusal: Option<Box<Problem>>,
    /// The trace context for the message, and its trace ID, which is stored with the event for a later publication.
    traceparent: Arc<str>,
    trace_id: Uuid,
    answer: oneshot::Sender<Result<EventId, Rejected>>,
    /// Released when the last event of the group is stored.
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
    /// Takes the events out of the queue, which frees their places for others.
    fn taken(self) -> Vec<Waiting> {
        self.events
    }
}

impl Answer {
    /// Resolves once the event is committed, and published if that is quick. An event whose key is known gets the ID of
    /// the first event with that key.
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
                    // If the writer has ended, the group is dropped, and `Answer::wait` reports it.
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
            // A closed answer means that the client has gone, or was told that storing takes too long. Its event is not
            // stored.
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

    /// Waits until one more statement may start.
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
            // The clock of this machine is off. The time of the database decides, so that ids fall into existing
            // partitions.
            Err(Error::ClockOff { database_time }) => {
                tracing::warn!(ours = ?now, database = ?database_time, "this machine's clock is off");
                Box::pin(self.write(batch, database_time)).await;
            }
            // One row that the database refuses must not affect the other events.
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

    /// Publishes beside the next batch, and answers after that, because Cloud Run promises no CPU after the answer.
    fn publish(&self, stored: Vec<(EventId, Waiting)>) {
        let publisher = self.publisher.clone();
        // The memory held for stored events is released before they are published.
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
                tracing::warn!(%error, events, "events are stored but not published; the relay will publish them");
            }
            for (id, .., answer) in stored {
                // Sending fails only if the client went away; its event stays stored.
                let _ = answer.send(Ok(id));
            }
        });
    }
}

fn waiting(places: &Semaphore) -> usize {
    MAX_WAITING - places.available_permits()
}

/// Refuses the whole batch. The error is logged here, once for all events that share the statement.
fn refuse(batch: Vec<Waiting>, error: Error) {
    let events = batch.len();
    match &error {
        Error::Unavailable(_) => tracing::warn!(%error, events, "events cannot be stored"),
        Error::Refused(_) => {
            tracing::error!(%error, events, "an event that passed the checks was refused by the database");
        }
        // The problem response logs every other error.
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
