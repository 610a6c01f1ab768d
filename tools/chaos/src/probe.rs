//! Healthy events that are stored and never published, so that each of them needs a call of the relay. They measure
//! the current speed of the system.

use std::collections::HashSet;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use event::EventId;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::Error;
use crate::load::{Fate, Journal, Line, Planned};

/// The load never reaches this number.
const FIRST_NUMBER: i64 = 1_000_000_000;

pub(crate) struct Probes {
    journal: Journal,
    sent: HashSet<Uuid>,
    under_way: Option<Uuid>,
}

impl Probes {
    pub(crate) fn new(journal: &Path) -> Result<Self, Error> {
        Ok(Self { journal: Journal::create(journal)?, sent: HashSet::new(), under_way: None })
    }

    /// The number of probes that have ended.
    pub(crate) fn ended(&self) -> usize {
        self.sent.len() - usize::from(self.under_way.is_some())
    }

    pub(crate) fn is_one(&self, id: Uuid) -> bool {
        self.sent.contains(&id)
    }

    /// Stores the next probe once the previous one has ended, so that there is one at a time.
    pub(crate) async fn go_on(&mut self, database: &mut PgConnection) -> Result<(), Error> {
        if let Some(id) = self.under_way {
            let is_live: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM live WHERE id = $1)")
                .bind(id)
                .fetch_one(&mut *database)
                .await?;
            if is_live {
                return Ok(());
            }
        }
        self.under_way = Some(self.store(database).await?);
        Ok(())
    }

    /// Stores `count` probes at once.
    pub(crate) async fn store_many(
        &mut self,
        count: usize,
        database: &mut PgConnection,
    ) -> Result<(), Error> {
        for _ in 0..count {
            self.store(database).await?;
        }
        Ok(())
    }

    /// Stores an event in the state that a process leaves if it dies between its commit and its publish.
    async fn store(&mut self, database: &mut PgConnection) -> Result<Uuid, Error> {
        let number = FIRST_NUMBER + i64::try_from(self.sent.len())?;
        let event = Planned { number, fate: Fate::Done };
        let id = EventId::mint(SystemTime::now().duration_since(UNIX_EPOCH)?);
        self.journal.write(Line::Intent { event, key: id.uuid() }).await?;
        let body = event.body();
        sqlx::query(
            "WITH fact AS (INSERT INTO events (id, event_type, payload) VALUES ($1, $2, $3::text::json) RETURNING id)
             INSERT INTO live (id, due_at) SELECT id, now() FROM fact",
        )
        .bind(id.uuid())
        .bind(body["eventType"].as_str())
        .bind(body["payload"].to_string())
        .execute(database)
        .await?;
        self.sent.insert(id.uuid());
        Ok(id.uuid())
    }
}
