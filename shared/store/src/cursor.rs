use sqlx::PgPool;

use crate::{Error, Store, Xid};

/// The advice to the operator.
pub(crate) const GO_ON: &str = "`admin adopt` tells what to do";

/// The position of a reader of the log. A reader must not go on in a database that its cursor does not belong to: the
/// transaction ids of a restored dump begin anew, so new events would always lie below the cursor. A transaction that
/// is older than the cursor may be open, as after an adoption. This is no error, and the reader waits for its end.
pub(crate) async fn position(pool: &PgPool, name: &'static str) -> Result<Xid, Error> {
    let mut cursor = read(pool, name).await?;
    if !cursor.same_cluster && follow_upgrade(pool).await? {
        cursor = read(pool, name).await?;
    }
    if !cursor.same_cluster {
        return Err(Error::Foreign(format!(
            "the cursor `{name}` belongs to another PostgreSQL cluster, and its row was not written in a cluster that this one was \
             upgraded from: this database was restored from a dump, or replicated; {GO_ON}"
        )));
    }
    if !cursor.in_reach {
        return Err(Error::Foreign(format!(
            "the cursor `{name}` stands at transaction {}, which this PostgreSQL cluster has not reached; {GO_ON}",
            cursor.position.0
        )));
    }
    Ok(cursor.position)
}

struct Cursor {
    position: Xid,
    same_cluster: bool,
    in_reach: bool,
}

async fn read(pool: &PgPool, name: &str) -> Result<Cursor, Error> {
    Ok(sqlx::query_as!(
        Cursor,
        r#"SELECT position AS "position: Xid", system_identifier = (SELECT system_identifier FROM pg_control_system()) AS "same_cluster!",
                  position <= pg_snapshot_xmax(pg_current_snapshot()) AS "in_reach!"
             FROM cursors WHERE name = $1"#,
        name
    )
    .fetch_one(pool)
    .await?)
}

/// Takes the cursors over if `pg_upgrade` made this cluster from the one that they belong to. True if they belong to
/// this cluster now.
///
/// `pg_upgrade` keeps the rows as they are on disk and continues the transaction ids. Every other way to bring a row
/// into a cluster writes it there. So if the `xmin` of a cursor's row is the transaction that is noted in the row, this
/// proves all that a cursor needs: the transaction ids of this cluster had come that far when the row was written, and
/// a cursor never stands beyond the transaction that moved it, so everything later lies above the cursor.
///
/// If a cursor was last moved by code that did not note the transaction, the proof is the newest loaded ranges that
/// have rows: each has as many rows as the ledger says, all written by their own transactions, before the ledger's row.
async fn follow_upgrade(pool: &PgPool) -> Result<bool, Error> {
    let moved = sqlx::query_scalar!(
        r#"WITH here AS MATERIALIZED (
               SELECT system_identifier, pg_snapshot_xmax(pg_current_snapshot()) AS next FROM pg_control_system()
           ), ranges AS MATERIALIZED (
               SELECT found.as_written
                 FROM (SELECT * FROM loads WHERE loaded_at IS NOT NULL AND batch IS NULL ORDER BY id DESC LIMIT 100) AS loads
                      CROSS JOIN LATERAL (
                      SELECT count(*) AS rows,
                             count(*) = loads.rows AND bool_and(e.xmin = e.xid::xid AND e.created_at <= loads.created_at) AS as_written
                        FROM events e
                       WHERE e.xid >= from_xid AND e.xid <= to_xid
                         AND (e.xid, e.id) >= (from_xid, from_id) AND (e.xid, e.id) < (to_xid, to_id)) AS found
                WHERE found.rows > 0 AND EXISTS (SELECT FROM cursors WHERE written_by IS NULL)
                ORDER BY loads.id DESC LIMIT 3
           ), proof AS MATERIALIZED (
               SELECT bool_and(CASE WHEN written_by IS NULL
                                    THEN position <= next AND (SELECT bool_and(as_written) FROM ranges)
                                    ELSE written_by < next AND cursors.xmin = written_by::xid END) AS holds
                 FROM cursors, here
           ), moved AS (
               UPDATE cursors SET system_identifier = here.system_identifier, written_by = pg_current_xact_id(), updated_at = now()
                 FROM here, proof
                WHERE proof.holds AND cursors.system_identifier <> here.system_identifier
               RETURNING name
           ), noted AS (
               INSERT INTO audit_log (actor, role, action, detail)
               SELECT current_setting('application_name'), 'service', 'follow-upgrade',
                      json_build_object('serverVersion', current_setting('server_version'),
                                        'systemIdentifier', here.system_identifier::text)
                 FROM here WHERE EXISTS (SELECT FROM moved)
           )
           SELECT count(*) AS "moved!" FROM moved"#
    )
    .fetch_one(pool)
    .await?;
    if moved > 0 {
        tracing::warn!("this PostgreSQL cluster was upgraded in place: the cursors go on in it");
    }
    let followed = "SELECT bool_and(system_identifier = (SELECT system_identifier FROM pg_control_system())) FROM cursors";
    Ok(moved > 0 || sqlx::query_scalar(followed).fetch_one(pool).await?)
}

impl Store {
    /// True if the log's readers belong to this cluster, or to one that it was upgraded from. In that case they go on
    /// in this cluster.
    pub async fn is_ledger_of_this_cluster(&self) -> Result<bool, Error> {
        self.run(|pool| async move { follow_upgrade(&pool).await }).await
    }
}
