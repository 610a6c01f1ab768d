use std::sync::Arc;
use std::time::Duration;

use event::{EventId, NewEvent};
use sqlx::PgPool;
use uuid::Uuid;

use crate::error::CHECK_VIOLATION;
use crate::{Error, Store};

/// Ids further than this from the database's time are refused: they would land in a partition that is gone or not yet there.
const CLOCK_TOLERANCE_MILLIS: f64 = 3_600_000.0;

/// Events as columns, which is how one statement takes many.
#[derive(Default)]
pub struct Batch {
    ids: Vec<Uuid>,
    event_types: Vec<String>,
    payloads: Vec<String>,
    metadata: Vec<Option<String>>,
}

impl Batch {
    pub fn push(&mut self, id: EventId, event: &NewEvent) {
        self.ids.push(id.uuid());
        self.event_types.push(event.event_type.as_str().to_owned());
        self.payloads.push(event.payload.get().to_owned());
        self.metadata.push(event.metadata.as_ref().map(|raw| raw.get().to_owned()));
    }
}

impl Store {
    /// Stores all of the batch or none, in one statement that commits by itself. `first_due` from now the relay looks after
    /// what was not published or not finished.
    pub async fn insert(&self, batch: Batch, first_due: Duration) -> Result<(), Error> {
        let batch = Arc::new(batch);
        let insert = || {
            let batch = batch.clone();
            self.run(move |pool| async move { insert(&pool, &batch, first_due).await })
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

async fn insert(pool: &PgPool, batch: &Batch, first_due: Duration) -> Result<(), Error> {
    let millis = || batch.ids.iter().map(|id| EventId::from(*id).unix_millis());
    let (Some(earliest), Some(latest)) = (millis().min(), millis().max()) else {
        return Ok(());
    };
    let stored = sqlx::query!(
        r#"WITH fact AS (
               INSERT INTO events (id, event_type, payload, metadata)
               SELECT id, event_type, payload::json, metadata::json
                 FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) AS batch (id, event_type, payload, metadata)
                WHERE $5::float8 > extract(epoch FROM now()) * 1000 - $7::float8
                  AND $6::float8 < extract(epoch FROM now()) * 1000 + $7::float8
               RETURNING id)
           INSERT INTO live (id, due_at)
           SELECT id, now() + $8::float8 * interval '1 second' FROM fact"#,
        &batch.ids,
        &batch.event_types,
        &batch.payloads,
        &batch.metadata as &[Option<String>],
        as_float(earliest),
        as_float(latest),
        CLOCK_TOLERANCE_MILLIS,
        first_due.as_secs_f64(),
    )
    .execute(pool)
    .await?
    .rows_affected();
    if stored > 0 {
        return Ok(());
    }
    let seconds: f64 = sqlx::query_scalar!(r#"SELECT extract(epoch FROM now())::float8 AS "seconds!""#)
        .fetch_one(pool)
        .await?;
    Err(Error::ClockOff { database_time: Duration::from_secs_f64(seconds) })
}

/// 48 bits of milliseconds fit a float exactly.
#[allow(clippy::cast_precision_loss)]
fn as_float(millis: u64) -> f64 {
    millis as f64
}
