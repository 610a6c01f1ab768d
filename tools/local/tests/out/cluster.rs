//! PostgreSQL clusters that belong to one test, because a restored database is in another cluster.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use local::ports;
use local::postgres::{self, Binaries, Durability, Wanted};
use local::process::{Child, Guard, Signal};
use sqlx::postgres::PgPoolCopyExt;
use sqlx::{PgPool, Row};
use store::testing::Database;
use store::{Store, StoreConfig};
use tempfile::TempDir;

pub(crate) struct Cluster {
    folder: TempDir,
    files: postgres::Cluster,
    port: u16,
    server: Child,
    pub(crate) database: Database,
}

/// Names the folder of PostgreSQL 17's programs, if package managers did not install them in the usual place.
pub(crate) const UPGRADE_BIN: &str = "POSTGRES_UPGRADE_BIN";

/// The versions that may be installed with all their programs.
const MAJORS: [u32; 4] = [18, 17, 16, 15];

async fn binaries() -> Binaries {
    for major in MAJORS {
        if let Ok(binaries) = Binaries::find(Wanted::Installed(major)).await
            && has(&binaries, "pg_dump")
        {
            return binaries;
        }
    }
    Binaries::find(Wanted::by(None::<&Path>)).await.unwrap()
}

/// Returns the programs of 15, and those of 17 with `pg_upgrade`, or the reason why there is no such pair.
pub(crate) async fn versions_to_upgrade() -> Result<(Binaries, Binaries), String> {
    let told = |error: local::Error| error.to_string();
    let old = Binaries::find(Wanted::Installed(15)).await.map_err(told)?;
    let wanted =
        std::env::var_os(UPGRADE_BIN).map_or(Wanted::Installed(17), |folder| Wanted::In(folder.into()));
    let new = Binaries::find(wanted).await.map_err(told)?;
    if has(&new, "pg_upgrade") { Ok((old, new)) } else { Err(format!("{new} has no pg_upgrade")) }
}

fn has(binaries: &Binaries, program: &str) -> bool {
    binaries
        .program(program)
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    // The server may run as another account.
    std::fs::set_permissions(folder.path(), Permissions::from_mode(0o711)).unwrap();
    folder
}

async fn serve(files: &postgres::Cluster, port: u16) -> Child {
    let mut command = files.server(port);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let server = Child::spawn(command.into(), Signal::INT, Arc::new(Guard::start().unwrap())).unwrap();
    let ready = async {
        while !files.is_ready(server.pid()) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), ready).await.unwrap();
    server
}

impl Cluster {
    pub(crate) async fn start() -> Self {
        Self::start_in(folder()).await
    }

    async fn start_in(folder: TempDir) -> Self {
        Self::start_with(binaries().await, folder).await
    }

    async fn start_with(binaries: Binaries, folder: TempDir) -> Self {
        let files = postgres::Cluster::open(binaries, folder.path(), Durability::ThrownAway).await.unwrap();
        let [port] = ports::free().unwrap();
        let server = serve(&files, port).await;
        let url = postgres::url(port);
        let store = Store::new(&StoreConfig { max_connections: 5, ..StoreConfig::new(url.clone(), "test") });
        Self { folder, files, port, server, database: Database { url, store: store.unwrap() } }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The server dies without a shutdown, and a new one recovers the committed data.
    pub(crate) async fn crash(&mut self) {
        self.server.signal(Signal::QUIT);
        self.server.wait().await.unwrap();
        self.server = serve(&self.files, self.port).await;
    }

    pub(crate) async fn migrated() -> Self {
        let cluster = Self::start().await;
        cluster.database.store.migrate().await.unwrap();
        cluster
    }

    pub(crate) async fn stop(mut self) -> TempDir {
        self.database.store.close().await;
        self.server.stop(Duration::from_secs(20)).await.unwrap();
        self.folder
    }

    /// Copies the present data folder to another place. The server goes on.
    pub(crate) async fn copied(self) -> (Self, TempDir) {
        let original = self.stop().await;
        let copy = folder();
        let data = original.path().join("data");
        let status = Command::new("cp").arg("-a").arg(data).arg(copy.path()).status().unwrap();
        assert!(status.success());
        (Self::start_in(original).await, copy)
    }

    pub(crate) async fn start_copy(copy: TempDir) -> Self {
        Self::start_in(copy).await
    }

    /// Makes another cluster with the same data, by `pg_dump` if it is installed, and otherwise table by table in the
    /// same way.
    pub(crate) async fn restored(&self) -> Self {
        let binaries = binaries().await;
        if !has(&binaries, "pg_dump") {
            return self.restored_by_hand().await;
        }
        let to = Self::start().await;
        let mut dump =
            binaries.program("pg_dump").arg(&self.database.url).stdout(Stdio::piped()).spawn().unwrap();
        let mut psql = binaries.program("psql");
        psql.args(["--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", "--output=/dev/null"]);
        let restore = psql.arg(&to.database.url).stdin(dump.stdout.take().unwrap()).status().unwrap();
        assert!(dump.wait().unwrap().success() && restore.success());
        to
    }

    async fn restored_by_hand(&self) -> Self {
        let to = Self::migrated().await;
        let (old, new) = (self.pool().await, to.pool().await);
        let tables = "SELECT quote_ident(relname) FROM pg_class
                       WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
                         AND relname <> '_sqlx_migrations'";
        for table in sqlx::query(tables).fetch_all(&old).await.unwrap() {
            let table: String = table.get(0);
            let text = format!("COPY (SELECT * FROM {table}) TO STDOUT");
            sqlx::raw_sql(sqlx::AssertSqlSafe(format!("DELETE FROM {table}"))).execute(&new).await.unwrap();
            let rows = old.copy_out_raw(&text).await.unwrap();
            let mut into = new.copy_in_raw(&format!("COPY {table} FROM STDIN")).await.unwrap();
            let rows: Vec<_> = futures::TryStreamExt::try_collect(rows).await.unwrap();
            for row in rows {
                into.send(row).await.unwrap();
            }
            into.finish().await.unwrap();
        }
        for (table, column) in [("loads", "id"), ("unreadable", "id")] {
            let set = format!("SELECT setval(pg_get_serial_sequence('{table}', '{column}'), 1000000)");
            sqlx::raw_sql(sqlx::AssertSqlSafe(set)).execute(&new).await.unwrap();
        }
        to
    }

    async fn pool(&self) -> PgPool {
        PgPool::connect(&self.database.url).await.unwrap()
    }

    /// Starts a migrated cluster of the given binaries, such as the oldest supported version, which `pg_upgrade` then
    /// upgrades.
    pub(crate) async fn migrated_of(binaries: Binaries) -> Self {
        let cluster = Self::start_with(binaries, folder()).await;
        cluster.database.store.migrate().await.unwrap();
        cluster
    }

    /// Simulates that the transaction IDs have wrapped around this many times.
    pub(crate) async fn in_epoch(self, epoch: u32) -> Self {
        let Self { folder, files, mut server, database, .. } = self;
        database.store.close().await;
        server.stop(Duration::from_secs(20)).await.unwrap();
        let data = folder.path().join("data");
        let mut reset = files.program("pg_resetwal");
        let reset = reset.args(["-e", &epoch.to_string(), "-D"]).arg(data).stdout(Stdio::null()).status();
        assert!(reset.unwrap().success());
        Self::start_with(files.binaries().clone(), folder).await
    }

    /// Upgrades the cluster by `pg_upgrade` to another version, with copies of its files.
    pub(crate) async fn upgraded(self, to: Binaries) -> Self {
        let binaries = self.files.binaries().clone();
        let (old, new) = (self.stop().await, folder());
        let files = postgres::Cluster::open(to.clone(), new.path(), Durability::ThrownAway).await.unwrap();
        let data = old.path().join("data");
        let mut upgrade = files.program("pg_upgrade");
        // `pg_upgrade` writes files into its working folder, so it runs in a folder that its account owns.
        upgrade.current_dir(&data).args(["--username=postgres", "--no-sync"]);
        upgrade.arg("--old-bindir").arg(binaries.folder()).arg("--new-bindir").arg(to.folder());
        upgrade.arg("--old-datadir").arg(&data).arg("--new-datadir").arg(new.path().join("data"));
        let output = upgrade.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        Self::start_with(to, new).await
    }

    /// Uses up transaction IDs.
    pub(crate) async fn age(&self, transactions: u32) {
        let burn = format!(
            "DO $$ BEGIN FOR n IN 1..{transactions} LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$"
        );
        self.database.sql(&burn).await;
    }
}
