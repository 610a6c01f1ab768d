use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use event::{EventId, NewEvent};
use sqlx::PgConnection;
use tokio::time::timeout;
use uuid::Uuid;

use crate::error::CHECK_VIOLATION;
use crate::keys::{Hash, IdempotencyKey};
use crate::{Error, Store};

/// Ids further than this from the database's time are refused, since their partition may be gone or not yet made.
const CLOCK_TOLERANCE_MILLIS: f64 = 3_600_000.0;

/// The lifetime of the row of a key that is only looked up. The row expired so long ago that no running statement
/// treats it as valid.
const LOOKED_FOR_SECONDS: f64 = -3600.0;

/// Events as columns, so that one statement can take many.
#[derive(Default)]
pub struct Batch {
    ids: Vec<Uuid>,
    event_types: Vec<String>,
    payloads: Vec<String>,
    metadata: Vec<Option<String>>,
    trace_ids: Vec<Uuid>,
    /// True if the row is stored only if its key is new.
    keyed: Vec<bool>,
    /// The first row of each key, in the order of the keys. In any other order, batches that share keys would deadlock.
    keys: BTreeMap<Hash, Keyed>,
    /// The ids that stand for keys that are only looked up. Their events are not stored.
    looked_for: Vec<Uuid>,
}

#[derive(Clone, Copy)]
struct Keyed {
    id: Uuid,
    key: IdempotencyKey,
    is_stored: bool,
}

impl Batch {
    /// Adds an event without a key. Only the ID of its trace is stored.
    pub fn push(&mut self, id: EventId, event: &NewEvent, trace_id: Uuid) {
        self.push_row(id, event, trace_id, false);
    }

    pub fn push_keyed(&mut self, id: EventId, event: &NewEvent, trace_id: Uuid, key: IdempotencyKey) {
        self.push_row(id, event, trace_id, true);
        self.push_key(Keyed { id: id.uuid(), key, is_stored: true });
    }

    /// Adds a look-up of a key, which stores no event and leaves no key behind but tells whether the key is known. If
    /// another transaction is about to store the key, the statement waits for it.
    pub fn push_look(&mut self, id: EventId, key: IdempotencyKey) {
        self.looked_for.push(id.uuid());
        self.push_key(Keyed { id: id.uuid(), key, is_stored: false });
    }

    fn push_key(&mut self, keyed: Keyed) {
        let first = self.keys.entry(keyed.key.key);
        let first = first.or_insert(keyed);
        // An event that is stored may come after a look-up of the same key.
        if keyed.is_stored && !first.is_stored {
            *first = keyed;
        }
    }

    fn push_row(&mut self, id: EventId, event: &NewEvent, trace_id: Uuid, keyed: bool) {
        self.ids.push(id.uuid());
        self.event_types.push(event.event_type.as_str().to_owned());
        self.payloads.push(event.payload.get().to_owned());
        self.metadata.push(event.metadata.as_ref().map(|raw| raw.get().to_owned()));
        self.trace_ids.push(trace_id);
        self.keyed.push(keyed);
    }
}

impl Store {
    /// Stores all of the batch or nothing, in one statement with its own commit. Rows whose keys are known are not
    /// stored, and their ids are returned, with those of known keys that were only looked up. [`Store::known_keys`]
    /// says what the keys stand for. After `first_due` the relay looks after events that are not published or not
    /// finished.
    pub async fn insert(&self, batch: Batch, first_due: Duration) -> Result<HashSet<EventId>, Error> {
        let batch = Arc::new(batch);
        let limit = self.statement_limit;
        let insert = || {
            let (kept, batch) = (self.kept.clone(), batch.clone());
            self.run(move |_| async move {
                let mut connection = kept.take().await?;
                let inserted = timeout(limit, insert(&mut connection, &batch, first_due)).await;
                kept.after(connection, inserted)
            })
        };
        match insert().await {
            Err(error) if error.code().as_deref() == Some(CHECK_VIOLATION) => {
                tracing::warn!("no partition holds the ids of this week: making it now");
                self.make_partitions().await?;
                insert().await
            }
            result => result,
        }
    }
}

async fn insert(
    connection: &mut PgConnection,
    batch: &Batch,
    first_due: Duration,
) -> Result<HashSet<EventId>, Error> {
    let millis = || batch.ids.iter().chain(&batch.looked_for).map(|id| EventId::from(*id).unix_millis());
    let (Some(earliest), Some(latest)) = (millis().min(), millis().max()) else {
        return Ok(HashSet::new());
    };
    let keys = || batch.keys.values();
    let key_ids: Vec<_> = keys().map(|keyed| keyed.id).collect();
    let stored = sqlx::query!(
        r#"WITH clock AS MATERIALIZED (
               SELECT extract(epoch FROM now())::float8 AS seconds,
                      $5::float8 > extract(epoch FROM now()) * 1000 - $7::float8
                      AND $6::float8 < extract(epoch FROM now()) * 1000 + $7::float8 AS fits
           ), fresh AS (
               INSERT INTO idempotency_keys AS known (key, body, event_id, expires_at)
               SELECT key, body, id, now() + lasts * interval '1 second'
                 FROM unnest($10::uuid[], $11::bytea[], $12::bytea[], $13::float8[], $14::bytea[])
                      AS keys (id, key, body, lasts, unscoped)
                WHERE (SELECT fits FROM clock)
                  -- A key that the release before stored may be this one. Not for ever: a day after the tables changed that
                  -- release is gone, and its keys expire. Not EXISTS, which a plan could make a join of that reads the table.
                  AND ((SELECT installed_on FROM _sqlx_migrations WHERE version = 10)
                           < now() - ($15::float8 + 86400) * interval '1 second'
                       OR (SELECT true FROM idempotency_keys AS former
                            WHERE former.key = keys.unscoped AND former.body = keys.body
                              AND former.expires_at > now()) IS NULL)
                ORDER BY key
               ON CONFLICT (key) DO UPDATE
                  SET body = excluded.body, event_id = excluded.event_id, expires_at = excluded.expires_at
                WHERE known.expires_at <= now()
               RETURNING event_id
           ), fact AS (
               INSERT INTO events (id, event_type, payload, metadata, trace_id)
               SELECT id, event_type, payload::json, metadata::json, trace_id
                 FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $9::bool[], $16::uuid[])
                      AS batch (id, event_type, payload, metadata, keyed, trace_id)
                WHERE (SELECT fits FROM clock) AND (NOT keyed OR id IN (SELECT event_id FROM fresh))
               RETURNING id
           ), unfinished AS (
               INSERT INTO live (id, due_at)
               SELECT id, now() + $8::float8 * interval '1 second' FROM fact
           )
           SELECT fits AS "fits!", seconds AS "seconds!",
                  ARRAY(SELECT unnest($10::uuid[]) EXCEPT SELECT event_id FROM fresh) AS "known!: Vec<Uuid>"
             FROM clock"#,
        &batch.ids,
        &batch.event_types,
        &batch.payloads,
        &batch.metadata as &[Option<String>],
        as_float(earliest),
        as_float(latest),
        CLOCK_TOLERANCE_MILLIS,
        first_due.as_secs_f64(),
        &batch.keyed,
        &key_ids,
        &keys().map(|keyed| keyed.key.key.to_vec()).collect::<Vec<_>>(),
        &keys().map(|keyed| keyed.key.body.to_vec()).collect::<Vec<_>>(),
        &keys().map(Keyed::lasts).collect::<Vec<_>>(),
        &keys().map(|keyed| keyed.key.unscoped.map(Vec::from)).collect::<Vec<_>>() as &[Option<Vec<u8>>],
        keys().map(|keyed| keyed.key.lasts).max().unwrap_or_default().as_secs_f64(),
        &batch.trace_ids,
    )
    .fetch_one(connection)
    .await?;
    if !stored.fits {
        return Err(Error::ClockOff { database_time: Duration::from_secs_f64(stored.seconds) });
    }
    let known: HashSet<_> = stored.known.into_iter().collect();
    let fresh: HashSet<_> = key_ids.into_iter().filter(|id| !known.contains(id)).collect();
    let rows = batch.ids.iter().zip(&batch.keyed).filter(|(_, keyed)| **keyed).map(|(id, _)| id);
    Ok(rows.chain(&batch.looked_for).filter(|id| !fresh.contains(id)).map(|id| (*id).into()).collect())
}

impl Keyed {
    fn lasts(&self) -> f64 {
        if self.is_stored { self.key.lasts.as_secs_f64() } else { LOOKED_FOR_SECONDS }
    }
}

/// 48 bits of milliseconds fit a float exactly.
#[allow(clippy::cast_precision_loss)]
fn as_float(millis: u64) -> f64 {
    millis as f64
}
