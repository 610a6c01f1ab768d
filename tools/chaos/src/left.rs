//! The work that is left, as PostgreSQL itself counts it.

use sqlx::{AssertSqlSafe, PgConnection};

use crate::Error;

/// Holds for an event that is neither in a loaded range nor among the rejects.
const NOT_LOADED: &str = "(events.xid >= (SELECT position FROM cursors WHERE name = 'bigquery')
     OR EXISTS (SELECT FROM loads WHERE loaded_at IS NULL AND (events.xid, events.id) >= (from_xid, from_id)
                                    AND (events.xid, events.id) < (to_xid, to_id)))";

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Left {
    pub(crate) unfinished: i64,
    pub(crate) not_loaded: i64,
}

impl Left {
    /// Counts the unfinished events that satisfy `unfinished`, a condition on `live` joined with `events`, and the
    /// events that are not loaded and satisfy `which`, a condition on `events`.
    pub(crate) async fn of(
        database: &mut PgConnection,
        unfinished: &str,
        which: &str,
    ) -> Result<Self, Error> {
        let question = format!(
            "SELECT (SELECT count(*) FROM live JOIN events USING (id) WHERE {unfinished}),
                    (SELECT count(*) FROM events WHERE {which} AND {NOT_LOADED})"
        );
        let (unfinished, not_loaded) = sqlx::query_as(AssertSqlSafe(question)).fetch_one(database).await?;
        Ok(Self { unfinished, not_loaded })
    }

    pub(crate) async fn of_all(database: &mut PgConnection) -> Result<Self, Error> {
        Self::of(database, "true", "true").await
    }

    pub(crate) fn is_none(self) -> bool {
        self.unfinished + self.not_loaded == 0
    }
}

impl std::fmt::Display for Left {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} unfinished, {} not loaded", self.unfinished, self.not_loaded)
    }
}
