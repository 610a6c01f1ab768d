use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use door::ApiKey;
use service::Problem;
use store::{ActiveKey, Store};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, sleep_until};

use super::known::Known;
use super::presented;
use crate::problems;

/// A revocation takes effect within this.
const READ_EVERY: Duration = Duration::from_secs(5);
/// Without CPU between requests a timer sleeps too, so age is judged at use: older than this, keys are read before one opens.
const FRESH: Duration = Duration::from_secs(10);
/// With the database silent, keys open for so long.
const STALE: Duration = Duration::from_mins(1);
/// Who invents keys makes us look no more often than that.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
const TELL_USE_EVERY: Duration = Duration::from_mins(1);

/// All keys that may come in. They are few and small, so each instance keeps them all, and no request waits for a look-up but
/// one with a key that was not there a moment ago.
#[derive(Clone)]
pub struct KeyRing(Arc<Shared>);

struct Shared {
    store: Store,
    held: RwLock<Held>,
    /// When somebody last began to read: one at a time.
    reading: Mutex<Option<Instant>>,
}

#[derive(Clone, Default)]
struct Held {
    keys: Arc<HashMap<String, Arc<Known>>>,
    read_at: Option<Instant>,
}

impl KeyRing {
    pub fn new(store: Store) -> Self {
        Self(Arc::new(Shared { store, held: RwLock::default(), reading: Mutex::new(None) }))
    }

    /// Keeps up with what admin changes, and tells it which keys were used.
    pub async fn keep(self) {
        let mut told = Instant::now();
        loop {
            self.read(READ_EVERY / 2).await;
            if told.elapsed() >= TELL_USE_EVERY {
                told = Instant::now();
                self.tell_use().await;
            }
            sleep(READ_EVERY).await;
        }
    }

    pub(super) async fn find(&self, presented: &ApiKey) -> Result<Arc<Known>, Problem> {
        let asked = Instant::now();
        if !self.held().is_within(FRESH) {
            self.read(LOOK_AGAIN).await;
        }
        if !self.held().is_within(STALE) {
            return Err(problems::try_again("API keys cannot be checked now: the database is not available"));
        }
        if !self.held().keys.contains_key(presented.id()) {
            self.read_since(asked).await;
        }
        let held = self.held();
        let known = held.keys.get(presented.id()).filter(|known| known.opens_to(presented));
        known.cloned().ok_or_else(presented::unknown)
    }

    /// Unless somebody began to less than `at_most_every` ago.
    async fn read(&self, at_most_every: Duration) {
        let mut begun = self.0.reading.lock().await;
        if begun.is_none_or(|begun| begun.elapsed() >= at_most_every) {
            self.read_now(&mut begun).await;
        }
    }

    /// What was there when somebody asked, as soon as it may be looked at: a key that was made a moment ago opens, and all who ask
    /// meanwhile wait for the same reading.
    async fn read_since(&self, asked: Instant) {
        let mut begun = self.0.reading.lock().await;
        if let Some(latest) = *begun {
            if latest >= asked {
                return;
            }
            sleep_until(latest + LOOK_AGAIN).await;
        }
        self.read_now(&mut begun).await;
    }

    async fn read_now(&self, begun: &mut Option<Instant>) {
        let now = Instant::now();
        match self.0.store.active_keys().await {
            Ok(keys) => self.hold(keys, now),
            Err(error) => tracing::warn!(%error, "API keys cannot be read"),
        }
        // Not before its end, since whoever reads may go away meanwhile.
        *begun = Some(now);
    }

    fn hold(&self, keys: Vec<ActiveKey>, read_at: Instant) {
        let old = self.held().keys;
        let known = keys.into_iter().map(|key| {
            let before = old.get(&key.id);
            (key.id.clone(), Arc::new(Known::new(key, read_at, before.map(Arc::as_ref))))
        });
        let held = Held { keys: Arc::new(known.collect()), read_at: Some(read_at) };
        *self.0.held.write().unwrap_or_else(PoisonError::into_inner) = held;
    }

    /// Puts on record when keys were used last.
    pub async fn tell_use(&self) {
        let held = self.held();
        let used = held.keys.iter().filter_map(|(id, known)| Some((id.clone(), known.used()?)));
        if let Err(error) = self.0.store.keys_used(used.collect()).await {
            tracing::warn!(%error, "it is not on record which API keys were used");
        }
    }

    fn held(&self) -> Held {
        self.0.held.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Held {
    fn is_within(&self, age: Duration) -> bool {
        self.read_at.is_some_and(|read_at| read_at.elapsed() <= age)
    }
}
