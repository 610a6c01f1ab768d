use std::collections::HashMap;
use std::time::Duration;

use event::EventId;
use sha2::{Digest, Sha256};
use tokio::time::timeout;

use crate::session::in_time;
use crate::{Error, Store};

pub(crate) type Hash = [u8; 32];

/// What a client calls a request, so that it can send it again.
#[derive(Clone, Copy, Debug)]
pub struct IdempotencyKey {
    pub(crate) key: Hash,
    pub(crate) body: Hash,
    pub(crate) lasts: Duration,
}

/// What a key that was not stored stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KnownKey {
    /// The same body came with it before, and made this event.
    Same(EventId),
    OtherBody,
    /// It has been cleared a moment ago.
    Gone,
}

impl IdempotencyKey {
    /// Two requests are the same where their bodies are, byte for byte.
    pub fn new(key: &str, body: &[u8], lasts: Duration) -> Self {
        Self { key: Sha256::digest(key).into(), body: Sha256::digest(body).into(), lasts }
    }

    /// Of a CloudEvent: the same source and id are the same event, whatever else it says. No client's key can be this one, since
    /// it has no NUL character.
    pub fn of_cloud_event(source: &str, id: &str, lasts: Duration) -> Self {
        Self::new(&format!("cloudevents\0{source}\0{id}"), b"", lasts)
    }
}

impl Store {
    /// Looks up keys that an insert found to be known: by then they are committed. Answers in the order of `keys`.
    pub async fn known_keys(&self, keys: Vec<IdempotencyKey>) -> Result<Vec<KnownKey>, Error> {
        let wanted: Vec<_> = keys.iter().map(|key| key.key.to_vec()).collect();
        let limit = self.statement_limit;
        let rows = self
            .run(move |pool| async move {
                let mut connection = pool.acquire().await?;
                let query = sqlx::query!(
                    "SELECT key, body, event_id FROM idempotency_keys WHERE key = ANY($1)",
                    &wanted
                );
                let rows = timeout(limit, async { Ok(query.fetch_all(&mut *connection).await?) }).await;
                in_time(connection, rows)
            })
            .await?;
        let rows: HashMap<_, _> = rows.into_iter().map(|row| (row.key, (row.body, row.event_id))).collect();
        let known = keys.iter().map(|key| match rows.get(key.key.as_slice()) {
            Some((body, event_id)) if *body == key.body => KnownKey::Same((*event_id).into()),
            Some(_) => KnownKey::OtherBody,
            None => KnownKey::Gone,
        });
        Ok(known.collect())
    }
}
