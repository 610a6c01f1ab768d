use sqlx::{AssertSqlSafe, PgConnection};

use crate::Error;
use crate::partitions::{PARENTS, Week};

/// Detaches and drops the empty tables of a week, and goes on where an earlier call ended. A concurrent detach lets no
/// session wait, and a session that reads the table meanwhile finds nothing in it in either case.
pub(super) async fn remove(
    connection: &mut PgConnection,
    week: Week,
    dropped: &mut Vec<String>,
) -> Result<(), Error> {
    run(connection, "SET lock_timeout = '2s'".into()).await?;
    for parent in PARENTS {
        let name = week.table(parent);
        let table = sqlx::query!(
            r#"SELECT inhdetachpending AS "is_pending?" FROM pg_class
                 LEFT JOIN pg_inherits ON inhrelid = pg_class.oid
                WHERE pg_class.oid = to_regclass($1)"#,
            name
        );
        let Some(table) = table.fetch_optional(&mut *connection).await? else { continue };
        match table.is_pending {
            Some(false) => {
                run(connection, format!("ALTER TABLE {parent} DETACH PARTITION {name} CONCURRENTLY")).await?;
            }
            Some(true) => {
                run(connection, format!("ALTER TABLE {parent} DETACH PARTITION {name} FINALIZE")).await?;
            }
            None => {}
        }
        run(connection, format!("DROP TABLE {name}")).await?;
        dropped.push(name);
    }
    Ok(())
}

/// Runs one statement. Its names come from dates.
async fn run(connection: &mut PgConnection, statement: String) -> Result<(), Error> {
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(connection).await?;
    Ok(())
}
