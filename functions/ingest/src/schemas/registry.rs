use std::num::NonZero;
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::available_parallelism;
use std::time::Duration;

use service::Problem;
use service::memory::Held;
use store::Store;
use tokio::sync::{Mutex, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep, timeout};

use super::held::Types;
use super::verdict;
use crate::accept::Item;
use crate::problems;

/// A change takes effect within this time.
const READ_EVERY: Duration = Duration::from_secs(2);
/// A timer also sleeps if there is no CPU between requests, so the age is checked at use.
const FRESH: Duration = Duration::from_secs(5);
/// Payloads of at most this many bytes are checked at once. Larger ones would keep other requests from the thread.
const AT_ONCE: usize = 16 * 1024;
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest time that a request waits for a reading. If the database does not answer, its event cannot be stored
/// anyway.
const SHORT: Duration = Duration::from_secs(2);

/// All schemas that are in force, compiled. Each instance reads them for itself, and only the first request after a
/// pause waits for that.
#[derive(Clone)]
pub struct Schemas(Arc<Shared>);

struct Shared {
    store: Store,
    known: RwLock<Known>,
    /// The time of the latest attempt to read. The lock allows only one reading at a time.
    reading: Mutex<Option<Instant>>,
    /// Large payloads are checked beside the requests, by no more threads than there are processors.
    large: Arc<Semaphore>,
}

#[derive(Clone, Default)]
struct Known {
    types: Types,
    read_at: Option<Instant>,
}

impl Schemas {
    pub fn new(store: Store) -> Self {
        let processors = available_parallelism().map_or(1, NonZero::get);
        Self(Arc::new(Shared {
            store,
            known: RwLock::default(),
            reading: Mutex::new(None),
            large: Arc::new(Semaphore::new(processors)),
        }))
    }

    /// Takes up the changes that admin makes.
    pub async fn keep(self) {
        loop {
            if let Err(error) = self.read(READ_EVERY / 2).await {
                tracing::warn!(%error, "schemas cannot be read");
            }
            sleep(READ_EVERY).await;
        }
    }

    /// Fails until the schemas have been read once. Before that no event is accepted, because an enforced schema must
    /// not be skipped after a start.
    pub async fn ready(&self) -> Result<(), store::Error> {
        match self.known().read_at {
            Some(_) => Ok(()),
            None => self.read(Duration::ZERO).await,
        }
    }

    /// Returns the items, with a refusal in place of each event whose payload is refused.
    pub(crate) async fn check(&self, items: Vec<Item>, held: &Arc<Held>) -> Vec<Item> {
        let types = match self.fresh().await {
            Ok(types) => types,
            Err(problem) => return items.into_iter().map(|item| item.and(Err(problem.clone()))).collect(),
        };
        let checked =
            items.iter().flatten().filter(|incoming| types.of(&incoming.event.event_type).is_some());
        let bytes: usize = checked.map(|incoming| incoming.event.payload.get().len()).sum();
        let check = move |items: Vec<Item>| {
            items.into_iter().map(|item| verdict::of(item?, &types)).collect::<Vec<_>>()
        };
        if bytes <= AT_ONCE {
            return check(items);
        }
        let refused = |items: usize, problem: Problem| {
            vec![(); items].into_iter().map(move |()| Err(problem.clone())).collect()
        };
        let count = items.len();
        let turn = Arc::clone(&self.0.large).acquire_owned();
        let Ok(Ok(turn)) = timeout(PATIENCE, turn).await else {
            return refused(count, problems::try_again("too many large payloads wait to be checked"));
        };
        let span = tracing::Span::current();
        // The check runs to its end even if its request does not.
        let held = (turn, Arc::clone(held));
        let checked = spawn_blocking(move || {
            let checked = span.in_scope(|| check(items));
            drop(held);
            checked
        });
        let checked = checked.await;
        checked.unwrap_or_else(|error| refused(count, Problem::internal(error)))
    }

    /// Returns the known schemas, which are recent. They may be older if the database is unavailable, because then no
    /// event can be stored either.
    async fn fresh(&self) -> Result<Types, Problem> {
        let mut known = self.known();
        if known.read_at.is_none_or(|read_at| read_at.elapsed() > FRESH) {
            // The task that keeps the schemas up to date reports a reading that fails.
            let _ = timeout(SHORT, self.read(READ_EVERY / 2)).await;
            known = self.known();
        }
        match known.read_at {
            Some(_) => Ok(known.types),
            None => Err(problems::try_again("schemas cannot be checked now: the database is not available")),
        }
    }

    /// Reads the schemas, unless another reading ended less than `at_most_every` ago.
    async fn read(&self, at_most_every: Duration) -> Result<(), store::Error> {
        let mut last = self.0.reading.lock().await;
        if last.is_some_and(|last| last.elapsed() < at_most_every) {
            return Ok(());
        }
        let begun = Instant::now();
        let before = self.known().types;
        let current = self.0.store.current_schemas(before.versions()).await;
        *last = Some(Instant::now());
        let current = current?;
        let types = spawn_blocking(move || before.brought_to(current)).await?;
        *self.0.known.write().unwrap_or_else(PoisonError::into_inner) = Known { types, read_at: Some(begun) };
        Ok(())
    }

    fn known(&self) -> Known {
        self.0.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
