use local::stack::Part;

use crate::Error;
use crate::compared::Compared;
use crate::load::{Closed, Lasts, Latencies, Request, Same, at};
use crate::world::{Database, Service, World, grow};

/// One connection, as an operator has.
const CONNECTIONS: usize = 1;

/// A large table and a small one, each with an admin service.
pub(super) struct Grown {
    pub(super) large: (Database, Service),
    pub(super) small: (Database, Service),
}

impl Grown {
    pub(super) async fn start(world: &World) -> Result<Self, Error> {
        let large = filled(world, "grown", world.size.rows(5_000_000)).await?;
        let small = filled(world, "not_grown", world.size.small_table()).await?;
        let [port] = local::ports::free()?.map(|port| port.to_string());
        let open = ("ADMIN_AUTH", "off");
        let large_admin = Service::start(world, Part::Admin, &large, &[open]).await?;
        let small_admin = Service::start(world, Part::Admin, &small, &[open, ("PORT", &port)]).await?;
        Ok(Self { large: (large, large_admin), small: (small, small_admin) })
    }

    /// Returns the medians of the large and the small table, and all latencies of the large one.
    pub(super) async fn ask(
        &self,
        world: &World,
        large: &str,
        small: &str,
    ) -> Result<(Compared, Vec<Latencies>), Error> {
        let mut all = Vec::new();
        for (path, (_, admin)) in [(large, &self.large), (small, &self.small)] {
            ask(world, admin, path).await?;
        }
        let compared = Compared::measure(
            async || {
                let latencies = ask(world, &self.large.1, large).await?;
                let median = latencies.percentile(50.0);
                all.push(latencies);
                Ok(median)
            },
            async || Ok(ask(world, &self.small.1, small).await?.percentile(50.0)),
        )
        .await?;
        Ok((compared, all))
    }

    /// The databases are not dropped, because later rows use them.
    pub(super) async fn stop(self) -> Result<(), Error> {
        self.large.1.stop().await?;
        self.small.1.stop().await
    }
}

/// Each table is filled once in a run. A later row may fill it further.
pub(super) async fn filled(world: &World, name: &str, rows: u64) -> Result<Database, Error> {
    let database = if world.has_database(name).await? {
        world.database(name)
    } else {
        world.migrated_database(name).await?
    };
    grow(&database, rows).await?;
    Ok(database)
}

async fn ask(world: &World, admin: &Service, path: &str) -> Result<Latencies, Error> {
    let script = Same::new(Request::get(path).bare());
    let lasts = Lasts::For(world.size.window() / 4);
    let tally = Closed { address: at(admin.port), connections: CONNECTIONS, lasts }.run(script).await?;
    if tally.latencies.is_empty() {
        return Err(format!("GET {path} takes longer than all of its time").into());
    }
    Ok(tally.latencies)
}
