use std::time::Duration;

use tokio::time::timeout;

use crate::session::in_time;
use crate::{Error, Store};

impl Store {
    /// Notes how long ago keys were last used. Several instances report the same keys in any order, so a time only
    /// moves forward, and the rows are locked in the order of their ids.
    pub async fn keys_used(&self, used: Vec<(String, Duration)>) -> Result<(), Error> {
        let (ids, ago): (Vec<_>, Vec<_>) = used.into_iter().map(|(id, ago)| (id, ago.as_secs_f64())).unzip();
        let limit = self.statement_limit;
        self.run(move |pool| async move {
            let mut connection = pool.acquire().await?;
            let query = sqlx::query!(
                "WITH used AS (
                     SELECT id, now() - min(ago) * interval '1 second' AS at
                       FROM unnest($1::text[], $2::float8[]) AS t (id, ago) GROUP BY id
                 ), locked AS (
                     SELECT k.id, used.at FROM api_keys k JOIN used ON used.id = k.id
                      ORDER BY k.id FOR NO KEY UPDATE OF k
                 )
                 UPDATE api_keys k SET last_used_at = greatest(k.last_used_at, locked.at)
                   FROM locked WHERE k.id = locked.id",
                &ids,
                &ago
            );
            let noted = timeout(limit, async { Ok(query.execute(&mut *connection).await?) }).await;
            in_time(connection, noted)?;
            Ok(())
        })
        .await
    }
}
