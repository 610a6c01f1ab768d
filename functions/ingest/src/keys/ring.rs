use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use door::ApiKey;
use service::Problem;
use store::{ActiveKey, Store};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::known::Known;
use super::presented;
use crate::problems;

/// A revocation takes effect within this time.
const READ_EVERY: Duration = Duration::from_secs(5);
/// A timer also sleeps if there is no CPU between requests, so the age is checked at use: older keys are read again
/// before one is accepted.
const FRESH: Duration = Duration::from_secs(10);
/// If the database does not answer, known keys are accepted for this long.
const STALE: Duration = Duration::from_mins(1);
/// Unknown keys cause a reading at most this often, and a failed reading is not repeated within this time.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// The longest time that a request waits for a reading. It waits only for `SHORT` if the keys in memory may still be
/// used.
const PATIENCE: Duration = Duration::from_secs(4);
const SHORT: Duration = Duration::from_secs(2);
const TELL_USE_EVERY: Duration = Duration::from_mins(1);

/// All active keys. They are few and small, so each instance holds all of them in memory, and a request waits for a
/// look-up only if its key was not there a moment ago.
#[derive(Clone)]
pub struct KeyRing(Arc<Shared>);

struct Shared {
    store: Store,
    held: RwLock<Held>,
    /// Locked during a reading, so that only one runs at a time.
    latest: Arc<Mutex<Option<Reading>>>,
}

/// The result of the latest reading, for all requests that waited for it.
#[derive(Clone, Copy)]
struct Reading {
    begun: Instant,
    ended: Instant,
    is_well: bool,
}

#[derive(Clone, Default)]
struct Held {
    keys: Arc<HashMap<String, Arc<Known>>>,
    read_at: Option<Instant>,
}

impl KeyRing {
    pub fn new(store: Store) -> Self {
        Self(Arc::new(Shared { store, held: RwLock::default(), latest: Arc::default() }))
    }

    /// Takes up the changes that admin makes, and reports which keys were used.
    pub async fn keep(self) {
        let mut told = Instant::now();
        loop {
            self.read(|latest| latest.begun.elapsed() < READ_EVERY / 2).await;
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
            let patience = if self.held().is_within(STALE) { SHORT } else { PATIENCE };
            let _ = timeout(patience, self.read(|latest| latest.ended >= asked || latest.has_just_failed()))
                .await;
        }
        if !self.held().is_within(STALE) {
            return Err(away());
        }
        if !self.held().keys.contains_key(presented.id()) {
            self.look_again(asked).await?;
        }
        let held = self.held();
        let known = held.keys.get(presented.id()).filter(|known| known.opens_to(presented));
        known.cloned().ok_or_else(presented::unknown)
    }

    /// Reads the keys that exist at the time of the request, as soon as another reading is allowed, so that a key that
    /// was created a moment ago is accepted.
    async fn look_again(&self, asked: Instant) -> Result<(), Problem> {
        let read = self.read(|latest| latest.begun >= asked || latest.has_just_failed());
        match timeout(PATIENCE, read).await {
            Ok(Some(latest)) if latest.is_well => Ok(()),
            _ => Err(away()),
        }
    }

    /// Returns the latest reading if that is enough, and a new one otherwise. All requests that ask meanwhile wait for
    /// the same reading and share its failure.
    async fn read(&self, is_enough: impl Fn(&Reading) -> bool) -> Option<Reading> {
        let mut latest = self.0.latest.clone().lock_owned().await;
        if latest.as_ref().is_some_and(is_enough) {
            return *latest;
        }
        let ring = self.clone();
        // The reading has its own task, because a client that hangs up must not end it for the others.
        let reading = tokio::spawn(async move {
            if let Some(before) = *latest {
                sleep_until(before.begun + LOOK_AGAIN).await;
            }
            *latest = Some(ring.read_now().await);
            *latest
        });
        reading.await.ok().flatten()
    }

    async fn read_now(&self) -> Reading {
        let begun = Instant::now();
        let keys = self.0.store.active_keys().await;
        let is_well = keys.is_ok();
        match keys {
            Ok(keys) => self.hold(keys, begun),
            Err(error) => tracing::warn!(%error, "API keys cannot be read"),
        }
        Reading { begun, ended: Instant::now(), is_well }
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

    /// Records when the keys were last used.
    pub async fn tell_use(&self) {
        let held = self.held();
        let used = held.keys.iter().filter_map(|(id, known)| Some((id.clone(), known.used()?)));
        if let Err(error) = self.0.store.keys_used(used.collect()).await {
            tracing::warn!(%error, "the use of API keys could not be recorded");
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

impl Reading {
    fn has_just_failed(&self) -> bool {
        !self.is_well && self.ended.elapsed() < LOOK_AGAIN
    }
}

fn away() -> Problem {
    problems::try_again("API keys cannot be checked now: the database is not available")
}
