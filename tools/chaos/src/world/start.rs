use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use local::stack::{Options, Part, Stack};
use reqwest::Client;

use super::instance::Instance;
use super::{Deaths, Environment, Extra, Holds, INSTANCES, SmallDisk, World, WrongClock};
use crate::Error;
use crate::proxy::Edge;

/// Times that are shorter than the defaults of a laptop, so that leases end and relays run many times in a run.
pub(crate) const NUMBERS: [(&str, &str); 16] = [
    ("HANDLER_LIMIT_SECONDS", "2"),
    ("LEASE_SECONDS", "3"),
    ("ACK_DEADLINE_SECONDS", "10"),
    ("RETRY_MIN_SECONDS", "1"),
    ("RETRY_MAX_SECONDS", "4"),
    ("FIRST_DUE_SECONDS", "5"),
    ("DUE_STEP_SECONDS", "15"),
    ("RELAY_EVERY_SECONDS", "1"),
    ("FLUSH_EVERY_SECONDS", "2"),
    ("FLUSH_LIMIT_SECONDS", "10"),
    ("FLUSH_LEASE_SECONDS", "4"),
    ("FLUSH_LONGEST_WAIT_SECONDS", "3"),
    ("MAINTAIN_EVERY_SECONDS", "5"),
    ("FLUSH_MAX_ROWS", "2000"),
    ("PUBSUB_MAX_BACKOFF_MS", "100"),
    ("LOG_LEVEL", "info"),
];

/// The number of ports of the instances and of the proxies behind them.
const PORTS: usize = 15;

/// The deviations of a world from the usual one.
#[derive(Default)]
pub(crate) struct Wish {
    /// The folder of the services to test.
    pub(crate) services: Option<PathBuf>,
    pub(crate) set: Vec<(String, String)>,
    pub(crate) fault_points: String,
    /// Environment variables of the second instance of each service only.
    pub(crate) second: Vec<(&'static str, String)>,
}

impl World {
    pub(crate) async fn start(wish: &Wish) -> Result<Self, Error> {
        let deaths = Deaths::default();
        deaths.forgive(Part::Postgres.name());
        let set: Vec<(&str, &str)> = NUMBERS
            .into_iter()
            .chain(wish.set.iter().map(|(name, value)| (name.as_str(), value.as_str())))
            .collect();
        let options = Options::for_test(&set)?.tell(deaths.tell()).without(&Part::SERVICES);
        let disk = SmallDisk::mount(&options.folder().join(Part::Postgres.name()));
        let holds = Holds::create(options.folder().join("holds"))?;
        let stack = Stack::start(options).await?;
        let client = Client::builder().timeout(Duration::from_secs(10)).build()?;
        let mut world = Self {
            stack,
            edges: Vec::new(),
            deaths,
            client,
            holds,
            instances: BTreeMap::new(),
            clock: WrongClock::find(),
            disk,
            services: wish.services.clone(),
        };
        match world.populate(wish).await {
            Ok(()) => Ok(world),
            Err(error) => {
                world.stop().await?;
                Err(error)
            }
        }
    }

    async fn populate(&mut self, wish: &Wish) -> Result<(), Error> {
        self.migrate().await?;
        // All ports are taken in one call, because a port without a listener would be found free again.
        let mut free = local::ports::free::<PORTS>()?.into_iter();
        for (part, names) in INSTANCES {
            let behind = self.edges_behind(part, &mut free).await?;
            let ports: Vec<u16> = free.by_ref().take(names.len()).collect();
            for (index, (name, port)) in names.into_iter().zip(ports.clone()).enumerate() {
                let mut environment = behind.clone();
                environment.push(("FAULT_POINTS", wish.fault_points.clone()));
                environment.push(("FAULT_HOLDS", self.holds.folder().display().to_string()));
                environment.push(("FAULT_POINTS_WHILE", self.attack_file().display().to_string()));
                if index == 1 {
                    environment.extend(wish.second.clone());
                }
                self.add(part, name, port, environment)?;
            }
            // Every caller reaches the service at the address that the stack has for it.
            let official = self.stack.settings().ports.of(part);
            let name = in_front_of(part);
            self.edges.push(Edge::open(name, official, ports).await?);
        }
        for name in self.names() {
            self.instance(name)?.ready().await?;
        }
        Ok(())
    }

    fn add(
        &mut self,
        part: Part,
        name: &'static str,
        listens: u16,
        environment: Environment,
    ) -> Result<(), Error> {
        let command = Box::new(self.stack.command(part, self.services.as_deref()));
        let extra = Extra::default();
        let client = self.client.clone();
        let instance = Instance { name, port: listens, environment, extra: extra.clone(), command, client };
        self.instances.insert(name, (self.stack.supervisor().supervise(instance)?, extra));
        Ok(())
    }

    /// Opens the proxies between a service and its servers. Returns the environment that points the service at them.
    async fn edges_behind(
        &mut self,
        part: Part,
        free: &mut impl Iterator<Item = u16>,
    ) -> Result<Environment, Error> {
        let (database, cloud) = match part {
            Part::Ingest => ("ingest to PostgreSQL", Some(("ingest to Pub/Sub", Part::Pubsub))),
            Part::ProcessPush => ("process-push to PostgreSQL", Some(("relay to Pub/Sub", Part::Pubsub))),
            Part::BqFlush => ("flush to PostgreSQL", Some(("flush to BigQuery", Part::Bigquery))),
            _ => ("admin to PostgreSQL", None),
        };
        let ports = self.stack.settings().ports;
        let direct = ports.of(Part::Postgres);
        let edge = self.edge_to(database, direct, free).await?;
        let url = self.stack.database_url().replace(&format!(":{direct}/"), &format!(":{edge}/"));
        let mut environment = vec![("DATABASE_URL", url)];
        if let Some((name, to)) = cloud {
            let variable = if to == Part::Pubsub { "PUBSUB_EMULATOR_HOST" } else { "BIGQUERY_EMULATOR_HOST" };
            let edge = self.edge_to(name, ports.of(to), free).await?;
            environment.push((variable, format!("localhost:{edge}")));
        }
        Ok(environment)
    }

    async fn edge_to(
        &mut self,
        name: &'static str,
        server: u16,
        free: &mut impl Iterator<Item = u16>,
    ) -> Result<u16, Error> {
        let port = free.next().ok_or("there are more edges than ports")?;
        let edge = Edge::open(name, port, vec![server]).await?;
        self.edges.push(edge);
        Ok(port)
    }

    async fn migrate(&self) -> Result<(), Error> {
        let output = self.migration().output().await?;
        if output.status.success() {
            return Ok(());
        }
        Err(format!("admin migrate: {}", String::from_utf8_lossy(&output.stderr)).into())
    }

    /// Returns the command `admin migrate`, not started yet.
    pub(crate) fn migration(&self) -> tokio::process::Command {
        let command = self.stack.command(Part::Admin, self.services.as_deref());
        let mut migration = tokio::process::Command::from(command());
        migration.arg("migrate").stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        migration
    }
}

fn in_front_of(part: Part) -> &'static str {
    match part {
        Part::Ingest => "client to ingest",
        Part::ProcessPush => "Pub/Sub to push",
        Part::BqFlush => "scheduler to flush",
        _ => "operator to admin",
    }
}
