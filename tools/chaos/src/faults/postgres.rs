use std::time::Duration;

use local::process::Signal;
use local::stack::Part;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::time::sleep;

use super::Fault;
use crate::Error;
use crate::world::World;

/// Selects the sessions of the services, and not those of the run itself.
const THEIRS: &str = "pid <> pg_backend_pid() AND backend_type = 'client backend' AND application_name <> ''";

impl Fault {
    /// Does what `pg_ctl stop -m immediate` does. The supervisor starts PostgreSQL again.
    pub(super) async fn crash(&mut self) -> Result<(), Error> {
        let turn = self.turn("PostgreSQL");
        let Ok(_turn) = turn.try_lock() else { return Ok(()) };
        if World::signal(self.world().stack.pid(Part::Postgres), Signal::QUIT) {
            self.begun();
            sleep(Duration::from_millis(300)).await;
            self.world().stack.ready(Part::Postgres).await?;
        }
        Ok(())
    }

    pub(super) async fn terminate_connections(&mut self) -> Result<(), Error> {
        let Ok(mut database) = self.world().database().await else { return Ok(()) };
        self.begun();
        terminate(&mut database).await
    }

    pub(super) async fn exhaust_connections(&mut self) -> Result<(), Error> {
        let turn = self.turn("PostgreSQL");
        let Ok(_turn) = turn.try_lock() else { return Ok(()) };
        let Ok(mut database) = self.world().database().await else { return Ok(()) };
        self.begun();
        let mut taken = Vec::new();
        for _ in 0..2 {
            while let Ok(one) = self.world().database().await {
                taken.push(one);
            }
            terminate(&mut database).await?;
        }
        while let Ok(one) = self.world().database().await {
            taken.push(one);
        }
        self.last(1_000..4_000).await;
        Ok(())
    }

    /// Simulates a failover that leaves sessions on a read-only node.
    pub(super) async fn read_only(&mut self) -> Result<(), Error> {
        let turn = self.turn("PostgreSQL");
        let Ok(_turn) = turn.try_lock() else { return Ok(()) };
        let Ok(mut database) = self.world().database().await else { return Ok(()) };
        self.begun();
        run(&mut database, "ALTER SYSTEM SET default_transaction_read_only = on").await?;
        run(&mut database, "SELECT pg_reload_conf()").await?;
        self.last(1_000..4_000).await;
        run(&mut database, "SET default_transaction_read_only = off").await?;
        run(&mut database, "ALTER SYSTEM RESET default_transaction_read_only").await?;
        run(&mut database, "SELECT pg_reload_conf()").await
    }

    /// An open transaction ID holds back the watermark of complete transactions in every database of the instance.
    pub(super) async fn writer_elsewhere(&mut self) -> Result<(), Error> {
        let turn = self.turn("a writer elsewhere");
        let Ok(_turn) = turn.try_lock() else { return Ok(()) };
        let Ok(mut database) = self.world().database().await else { return Ok(()) };
        // The database may exist already from an earlier fault, so an error is ignored.
        let _ = run(&mut database, "CREATE DATABASE elsewhere").await;
        let options: PgConnectOptions = self.world().stack.database_url().parse()?;
        let Ok(mut elsewhere) = PgConnection::connect_with(&options.database("elsewhere")).await else {
            return Ok(());
        };
        self.hold(&mut elsewhere).await
    }

    pub(super) async fn held_transaction(&mut self) -> Result<(), Error> {
        let turn = self.turn("a held transaction");
        let Ok(_turn) = turn.try_lock() else { return Ok(()) };
        let Ok(mut database) = self.world().database().await else { return Ok(()) };
        self.hold(&mut database).await
    }

    async fn hold(&mut self, database: &mut PgConnection) -> Result<(), Error> {
        self.begun();
        run(database, "BEGIN").await?;
        run(database, "SELECT pg_current_xact_id()").await?;
        self.until_end().await;
        // A crash of the server may have ended the transaction already.
        let _ = run(database, "ROLLBACK").await;
        Ok(())
    }
}

async fn terminate(database: &mut PgConnection) -> Result<(), Error> {
    let statement = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {THEIRS}");
    run(database, &statement).await
}

async fn run(database: &mut PgConnection, statement: &str) -> Result<(), Error> {
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(database).await?;
    Ok(())
}
