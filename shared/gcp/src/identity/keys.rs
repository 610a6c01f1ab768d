use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::JwkSet;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::{Instant, timeout};

use super::{KEYS_TIMEOUT, Refusal};
use crate::error::{Error, with_causes};
use crate::tls;

/// Keys of this age are fetched again, since the issuer may have withdrawn one.
const FRESH: Duration = Duration::from_hours(1);
/// While the issuer cannot be reached, keys up to this age are still used.
const STALE: Duration = Duration::from_hours(6);
/// The shortest time between two fetches. Issuers publish a key long before they sign with it, and any caller can
/// invent a key ID, so an unknown key ID does not cause more fetches than this.
const FETCH_AGAIN: Duration = Duration::from_secs(10);
/// The same time after a fetch that failed.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// The public keys of an issuer. Clones share them. A caller whose key is known waits for no fetch, and all other
/// callers wait for the same fetch.
#[derive(Debug, Clone)]
pub(super) struct Keys(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    url: String,
    client: reqwest::Client,
    held: RwLock<Held>,
    /// Locked during a fetch, so that there is one at a time.
    latest: Arc<Mutex<Latest>>,
}

#[derive(Debug, Default)]
struct Held {
    keys: HashMap<String, DecodingKey>,
    fetched: Option<Instant>,
}

/// The time and the result of the latest fetch. None if there was no fetch yet.
type Latest = Option<(Instant, Result<(), String>)>;

impl Keys {
    pub(super) fn new(url: String) -> Result<Self, Error> {
        tls::ensure_provider();
        let client = reqwest::Client::builder()
            .timeout(KEYS_TIMEOUT)
            .build()
            .map_err(|error| Error::Config(with_causes(&error)))?;
        Ok(Self(Arc::new(Shared { url, client, held: RwLock::default(), latest: Arc::default() })))
    }

    pub(super) async fn find(&self, kid: &str) -> Result<DecodingKey, Refusal> {
        if let Some(key) = self.known(kid) {
            return Ok(key);
        }
        match timeout(KEYS_TIMEOUT, self.look(Instant::now())).await {
            Ok(Ok(())) => self
                .held(|held| held.keys.get(kid).cloned())
                .ok_or_else(|| Refusal::Invalid("its key (kid) is not one of the issuer's".into())),
            Ok(Err(why)) => Err(Refusal::Unavailable(why)),
            Err(_) => Err(Refusal::Unavailable("the issuer's keys did not come in time".into())),
        }
    }

    fn known(&self, kid: &str) -> Option<DecodingKey> {
        let (key, age) = self.held(|held| Some((held.keys.get(kid)?.clone(), held.fetched?.elapsed())))?;
        if age > FRESH
            && let Ok(turn) = self.0.latest.clone().try_lock_owned()
            && !is_recent(&turn)
        {
            tokio::spawn(self.clone().fetch(turn));
        }
        (age <= STALE).then_some(key)
    }

    /// The result of a fetch that was still running when the caller asked, or that had ended a moment before. Without
    /// such a fetch, a new one is made.
    async fn look(&self, asked: Instant) -> Result<(), String> {
        let mut turn = self.0.latest.clone().lock_owned().await;
        let is_over = turn.as_ref().is_some_and(|(ended, _)| *ended >= asked) || is_recent(&turn);
        if !is_over {
            // The fetch runs in a task of its own, since a caller that hangs up must not end it for the others.
            turn = tokio::spawn(self.clone().fetch(turn)).await.map_err(|error| error.to_string())?;
        }
        turn.as_ref().map_or(Ok(()), |(_, end)| end.clone())
    }

    async fn fetch(self, mut turn: OwnedMutexGuard<Latest>) -> OwnedMutexGuard<Latest> {
        let begun = Instant::now();
        let end = match self.get().await {
            Ok(set) => {
                self.hold(&set, begun);
                Ok(())
            }
            Err(error) => {
                let why = with_causes(&error);
                tracing::warn!(error = why, "the keys of the issuer of tokens cannot be fetched");
                Err(why)
            }
        };
        *turn = Some((Instant::now(), end));
        turn
    }

    async fn get(&self) -> Result<JwkSet, reqwest::Error> {
        self.0.client.get(&self.0.url).send().await?.error_for_status()?.json().await
    }

    fn hold(&self, set: &JwkSet, fetched: Instant) {
        let keys = set
            .keys
            .iter()
            .filter_map(|jwk| Some((jwk.common.key_id.clone()?, DecodingKey::from_jwk(jwk).ok()?)));
        let held = Held { keys: keys.collect(), fetched: Some(fetched) };
        *self.0.held.write().unwrap_or_else(PoisonError::into_inner) = held;
    }

    fn held<T>(&self, read: impl FnOnce(&Held) -> T) -> T {
        read(&self.0.held.read().unwrap_or_else(PoisonError::into_inner))
    }
}

fn is_recent(latest: &Latest) -> bool {
    latest
        .as_ref()
        .is_some_and(|(ended, end)| ended.elapsed() < if end.is_ok() { FETCH_AGAIN } else { TRY_AGAIN })
}
