use std::collections::{HashMap, HashSet};
use std::time::Duration;

use event::{EventId, NewEvent};
use sha2::{Digest, Sha256};
use tokio::time::timeout;

use crate::session::in_time;
use crate::{Error, Store};

pub(crate) type Hash = [u8; 32];

/// The client's own key for a request, so that the client can send it again.
#[derive(Clone, Copy, Debug)]
pub struct IdempotencyKey {
    pub(crate) key: Hash,
    /// The key as the previous release stored it, for all senders together.
    pub(crate) unscoped: Option<Hash>,
    pub(crate) body: Hash,
    pub(crate) lasts: Duration,
}

/// The namespace of a sender's keys. The same key of two senders is two keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyScope(Option<Hash>);

/// The meaning of a key that was not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KnownKey {
    /// The same body came with the key before, and made this event.
    Same(EventId),
    OtherBody,
    /// The key was stored without a sender, so only the event itself can tell whether it belongs to this sender.
    Unscoped(EventId),
    /// The key expired a moment ago.
    Gone,
}

impl KeyScope {
    /// The namespace of all senders that are not identified.
    pub fn everybody() -> Self {
        Self(None)
    }

    /// The namespace of an API key and of the keys that it replaced.
    pub fn of_api_key(lineage: &str) -> Self {
        Self::named("api key", lineage)
    }

    pub fn of_account(email: &str) -> Self {
        Self::named("account", email)
    }

    fn named(kind: &str, name: &str) -> Self {
        Self(Some(Sha256::digest(format!("{kind}\0{name}")).into()))
    }
}

impl IdempotencyKey {
    /// Makes a key. Two requests are the same if their bodies are the same, byte for byte.
    pub fn new(key: &str, body: &[u8], lasts: Duration) -> Self {
        Self { key: Sha256::digest(key).into(), unscoped: None, body: Sha256::digest(body).into(), lasts }
    }

    /// The key of a CloudEvent. The same source and id are the same event, even if the rest differs. No client's key
    /// can equal this one, since a client's key has no NUL character.
    pub fn of_cloud_event(source: &str, id: &str, lasts: Duration) -> Self {
        Self::new(&format!("cloudevents\0{source}\0{id}"), b"", lasts)
    }

    /// The key in the namespace of this sender.
    #[must_use]
    pub fn within(self, scope: KeyScope) -> Self {
        let Some(scope) = scope.0 else { return self };
        let key = Sha256::new().chain_update(scope).chain_update(self.key).finalize().into();
        Self { key, unscoped: Some(self.key), ..self }
    }

    /// The key without the form of the previous release.
    #[must_use]
    pub fn scoped_alone(self) -> Self {
        Self { unscoped: None, ..self }
    }
}

impl Store {
    /// Looks up keys that an insert found to be known, which are committed by then. The answers are in the order of
    /// `keys`.
    pub async fn known_keys(&self, keys: Vec<IdempotencyKey>) -> Result<Vec<KnownKey>, Error> {
        let wanted: Vec<_> =
            keys.iter().flat_map(|key| [Some(key.key), key.unscoped]).flatten().map(Vec::from).collect();
        let limit = self.statement_limit;
        let rows = self
            .run(move |pool| async move {
                let mut connection = pool.acquire().await?;
                let query = sqlx::query!(
                    "SELECT key, body, event_id FROM idempotency_keys WHERE key = ANY($1) AND expires_at > now()",
                    &wanted
                );
                let rows = timeout(limit, async { Ok(query.fetch_all(&mut *connection).await?) }).await;
                in_time(connection, rows)
            })
            .await?;
        let rows: HashMap<_, _> = rows.into_iter().map(|row| (row.key, (row.body, row.event_id))).collect();
        let find = |key: &Hash| rows.get(key.as_slice());
        let known = keys.iter().map(|key| match (find(&key.key), key.unscoped.as_ref().and_then(find)) {
            (Some((body, event_id)), _) if *body == key.body => KnownKey::Same((*event_id).into()),
            (Some(_), _) => KnownKey::OtherBody,
            (None, Some((body, event_id))) if *body == key.body => KnownKey::Unscoped((*event_id).into()),
            (None, _) => KnownKey::Gone,
        });
        Ok(known.collect())
    }

    /// Finds the events that are stored under their id with the same content. Returns their places in the list.
    pub async fn same_events(&self, events: Vec<(EventId, &NewEvent)>) -> Result<HashSet<usize>, Error> {
        let ids: Vec<_> = events.iter().map(|(id, _)| id.uuid()).collect();
        let event_types: Vec<_> =
            events.iter().map(|(_, event)| event.event_type.as_str().to_owned()).collect();
        let payloads: Vec<_> = events.iter().map(|(_, event)| event.payload.get().to_owned()).collect();
        let metadata: Vec<_> =
            events.iter().map(|(_, event)| event.metadata.as_ref().map(|raw| raw.get().to_owned())).collect();
        let limit = self.statement_limit;
        let places = self
            .run(move |pool| async move {
                let mut connection = pool.acquire().await?;
                let query = sqlx::query_scalar!(
                    r#"SELECT sent.place AS "place!"
                         FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[])
                              WITH ORDINALITY AS sent (id, event_type, payload, metadata, place)
                         JOIN events_of($1) AS events ON events.id = sent.id
                        WHERE events.event_type = sent.event_type AND events.payload::text = sent.payload
                          AND events.metadata::text IS NOT DISTINCT FROM sent.metadata"#,
                    &ids,
                    &event_types,
                    &payloads,
                    &metadata as &[Option<String>],
                );
                let places = timeout(limit, async { Ok(query.fetch_all(&mut *connection).await?) }).await;
                in_time(connection, places)
            })
            .await?;
        Ok(places.into_iter().filter_map(|place| usize::try_from(place - 1).ok()).collect())
    }
}
