use std::collections::HashMap;

use tokio::time::timeout;

use super::Mode;
use crate::error::unexpected;
use crate::session::in_time;
use crate::{Error, Store};

/// The current schema of a type, if its mode is not `off`.
#[derive(Debug)]
pub struct CurrentSchema {
    pub version: i32,
    pub mode: Mode,
    /// None if the caller has this version.
    pub schema: Option<String>,
}

pub type CurrentSchemas = HashMap<String, CurrentSchema>;

impl Store {
    /// The schemas that events are checked against now. `known` are the versions that the caller has, so that their
    /// schemas are not sent again.
    pub async fn current_schemas(&self, known: Vec<(String, i32)>) -> Result<CurrentSchemas, Error> {
        let limit = self.statement_limit;
        let (types, versions): (Vec<_>, Vec<_>) = known.into_iter().unzip();
        let rows = self
            .run(move |pool| async move {
                let mut connection = pool.acquire().await?;
                let query = sqlx::query!(
                    r#"SELECT t.event_type, t.version, t.mode,
                              CASE WHEN known.version IS NULL THEN t.schema::text END AS schema
                         FROM event_types t
                         LEFT JOIN unnest($1::text[], $2::integer[]) AS known (event_type, version)
                           ON known.event_type = t.event_type AND known.version = t.version
                        WHERE t.removed_at IS NULL AND t.mode <> 'off'"#,
                    &types,
                    &versions
                );
                let rows = timeout(limit, async { Ok(query.fetch_all(&mut *connection).await?) }).await;
                in_time(connection, rows)
            })
            .await?;
        rows.into_iter()
            .map(|row| {
                let mode = row.mode.parse().map_err(|why: String| unexpected(why))?;
                Ok((row.event_type, CurrentSchema { version: row.version, mode, schema: row.schema }))
            })
            .collect()
    }
}
