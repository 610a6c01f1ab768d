use sqlx::PgPool;

use crate::{Error, Xid};

/// What an operator does about it.
pub(crate) const GO_ON: &str = "`admin adopt` tells what to do";

/// Where a reader of the log stands. It refuses to go on in a database that it does not belong to: transaction ids of a
/// restored dump begin anew, so new events would lie below the cursor, for good.
pub(crate) async fn position(pool: &PgPool, name: &'static str) -> Result<Xid, Error> {
    let cursor = sqlx::query!(
        r#"SELECT position AS "position: Xid", system_identifier = (SELECT system_identifier FROM pg_control_system()) AS "same_cluster!",
                  position <= pg_snapshot_xmin(pg_current_snapshot()) AS "in_reach!"
             FROM cursors WHERE name = $1"#,
        name
    )
    .fetch_one(pool)
    .await?;
    if !cursor.same_cluster {
        return Err(Error::Foreign(format!(
            "the cursor `{name}` belongs to another PostgreSQL cluster: this database was restored from a dump; \
             {GO_ON}"
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
