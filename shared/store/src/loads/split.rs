use uuid::Uuid;

use super::{FlusherLease, Load, Place};
use crate::{Error, Store, Xid};

/// The reason why a range is split.
#[derive(Clone, Debug)]
pub enum Cut {
    /// A row does not fit. The parts are tried after all whole ranges.
    Search { why: String },
    /// The range is too large for one load. The parts are whole ranges, and new ranges become smaller for a while.
    TooLarge { why: String },
}

impl Store {
    /// The row in the middle of a range, if there is no better place to split it.
    pub async fn middle_of_load(&self, load: &Load) -> Result<Option<Place>, Error> {
        let load = load.clone();
        self.run(move |pool| async move {
            let middle = sqlx::query!(
                r#"SELECT xid AS "xid!: Xid", id AS "id!" FROM (
                       SELECT xid, id FROM events
                        WHERE $6::bigint IS NULL AND xid >= $1 AND xid <= $3 AND (xid, id) >= ($1, $2) AND (xid, id) < ($3, $4)
                       UNION ALL
                       SELECT $1, id FROM load_rejects WHERE batch = $6 AND id >= $2 AND id < $4
                   ) AS rows ORDER BY xid, id OFFSET $5 LIMIT 1"#,
                load.from_xid as Xid,
                load.from_id,
                load.to_xid as Xid,
                load.to_id,
                load.rows / 2,
                load.batch
            )
            .fetch_optional(&pool)
            .await?;
            Ok(middle.map(|row| Place { xid: row.xid, id: row.id }))
        })
        .await
    }

    /// Replaces a range whose job was seen to end in error by parts, split before the given places. Together the parts
    /// are the range, and each has a job of its own. False if the ledger has changed meanwhile.
    pub async fn split_load(
        &self,
        lease: FlusherLease,
        load: &Load,
        cuts: &[Place],
        cut: Cut,
    ) -> Result<bool, Error> {
        let (id, job_id) = (load.id, load.job_id.clone());
        let (is_search, reason, why) = match cut {
            Cut::Search { why } => (true, "Invalid", why),
            Cut::TooLarge { why } => (false, "TooLarge", why),
        };
        let ends: Vec<_> = [load.from()].iter().chain(cuts).chain(&[load.to()]).copied().collect();
        // sqlx knows no name for an array of `xid8`, so text is sent.
        let xids: Vec<_> = ends.iter().map(|place| place.xid.0.to_string()).collect();
        let ids: Vec<_> = ends.iter().map(|place| place.id).collect();
        let parts = ends.len() - 1;
        let job_ids: Vec<_> = (0..parts).map(|_| super::jobs::new_name()).collect();
        self.run(move |pool| async move {
            let split = sqlx::query_scalar!(
                r#"WITH over AS (
                       DELETE FROM loads WHERE id = $2 AND job_id = $3 AND loaded_at IS NULL
                          AND EXISTS (SELECT FROM leases WHERE name = 'loads' AND holder = $1 AND until > clock_timestamp())
                       RETURNING *
                   ), ended AS (
                       UPDATE load_jobs SET ended_at = clock_timestamp(), reason = $9, message = $7 FROM over
                        WHERE load_jobs.job_id = $3
                   ), ends AS (
                       SELECT xid::xid8 AS xid, id, place FROM unnest($4::text[], $5::uuid[]) WITH ORDINALITY AS t (xid, id, place)
                   ), parts AS (
                       SELECT a.xid AS from_xid, a.id AS from_id, b.xid AS to_xid, b.id AS to_id, ($6::text[])[a.place] AS job_id,
                              a.place, over.depth + $8::boolean::integer AS depth, over.batch, over.created_at, over.numbers,
                              over.refusal
                         FROM over, ends a JOIN ends b ON b.place = a.place + 1
                   ), weight AS MATERIALIZED (
                       SELECT CASE
                              WHEN $8 THEN NULL
                              WHEN batch IS NULL THEN (
                                  SELECT sum(octet_length(payload::text) + coalesce(octet_length(metadata::text), 0)) FROM events e
                                   WHERE e.xid >= from_xid AND e.xid <= to_xid
                                     AND (e.xid, e.id) >= (from_xid, from_id) AND (e.xid, e.id) < (to_xid, to_id))
                              END AS bytes
                         FROM over
                   ), counted AS (
                       SELECT parts.*, CASE
                              WHEN batch IS NULL THEN (
                                  SELECT count(*) FROM events e
                                   WHERE e.xid >= from_xid AND e.xid <= to_xid
                                     AND (e.xid, e.id) >= (from_xid, from_id) AND (e.xid, e.id) < (to_xid, to_id))
                              ELSE (SELECT count(*) FROM load_rejects r
                                     WHERE r.batch = parts.batch AND r.id >= from_id AND r.id < to_id) END AS rows
                         FROM parts
                   ), made AS (
                       INSERT INTO loads (from_xid, from_id, to_xid, to_id, rows, job_id, depth, batch, created_at, failure, numbers,
                                          refusal, cut_bytes, cut_at)
                       SELECT from_xid, from_id, to_xid, to_id, rows, job_id, depth, batch, created_at, $7, numbers, refusal,
                              weight.bytes, CASE WHEN NOT $8 THEN clock_timestamp() END
                         FROM counted, weight WHERE rows > 0 ORDER BY place
                   )
                   SELECT count(*) = 1 AS "split!" FROM over"#,
                lease.holder,
                id,
                job_id,
                &xids,
                &ids as &[Uuid],
                &job_ids,
                why,
                is_search,
                reason
            )
            .fetch_one(&pool)
            .await?;
            Ok(split)
        })
        .await
    }
}
