use super::Listed;
use super::row::{Row, listed};
use crate::{Error, Store};

impl Store {
    /// A page of the events that are FAILED or DEAD_LETTER, newest first, and the number of all of them.
    ///
    /// Both kinds are read from an index that has their order, and the page limits both. For each dead event that is
    /// read, a subquery asks whether it was replayed (`OFFSET 0` keeps it a subquery). A join would be planned for all
    /// dead events and would read all of them.
    pub async fn failed(&self, offset: i64, limit: i64) -> Result<(Vec<Listed>, i64), Error> {
        let total = self.failed_total().await?;
        self.run(move |pool| async move {
            let rows = listed!(
                "WITH asked AS MATERIALIZED (SELECT $1::bigint AS skipped, $2::bigint AS most)
                 ",
                "(SELECT r.* FROM event_records r JOIN (SELECT id FROM (
                      (SELECT id FROM live WHERE failed_at IS NOT NULL AND status = 'FAILED'
                        ORDER BY id DESC LIMIT (SELECT skipped + most FROM asked))
                      UNION ALL
                      (SELECT o.id FROM outcomes o
                        WHERE o.status = 'DEAD_LETTER'
                          AND NOT EXISTS (SELECT FROM replays p WHERE p.id = o.id AND p.attempt = o.attempt OFFSET 0)
                        ORDER BY o.id DESC LIMIT (SELECT skipped + most FROM asked))
                  ) AS failed ORDER BY id DESC OFFSET (SELECT skipped FROM asked) LIMIT (SELECT most FROM asked)) AS page
                   ON page.id = r.id) AS r",
                offset,
                limit
            )
            .fetch_all(&pool)
            .await?;
            Ok((Row::page(rows)?, total))
        })
        .await
    }

    /// The number of events that are FAILED now, and of dead events by the totals together with the tail of the log
    /// that is not folded yet. A dead event that was replayed is not counted.
    async fn failed_total(&self) -> Result<i64, Error> {
        self.fold_totals().await?;
        self.run(|pool| async move {
            let total = sqlx::query_scalar!(
                r#"WITH tail AS MATERIALIZED (
                       SELECT position, pg_snapshot_xmax(pg_current_snapshot()) AS top FROM cursors WHERE name = 'totals'
                   )
                   SELECT (SELECT count(*) FROM live WHERE failed_at IS NOT NULL AND status = 'FAILED')
                        + coalesce((SELECT count FROM outcome_totals WHERE status = 'DEAD_LETTER'), 0)
                        + (SELECT count(*) FILTER (WHERE status = 'DEAD_LETTER') FROM outcomes
                            WHERE xid >= (SELECT position FROM tail) AND xid < (SELECT top FROM tail))
                        - (SELECT count(*) FILTER (WHERE from_status = 'DEAD_LETTER') FROM replays
                            WHERE xid >= (SELECT position FROM tail) AND xid < (SELECT top FROM tail)) AS "total!""#
            )
            .fetch_one(&pool)
            .await?;
            Ok(total)
        })
        .await
    }
}
