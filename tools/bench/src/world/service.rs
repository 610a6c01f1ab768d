use std::fs::File;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use local::process::{Child, Signal};
use local::stack::Part;
use tokio::process::Command;
use tokio::time::timeout;

use super::{Database, World};
use crate::Error;

const PATIENCE: Duration = Duration::from_secs(20);
const ASK_EVERY: Duration = Duration::from_millis(10);

/// A running service. Its log goes to a file.
pub(crate) struct Service {
    pub(crate) port: u16,
    child: Child,
    log: PathBuf,
}

impl Service {
    pub(crate) async fn start(
        world: &World,
        part: Part,
        database: &Database,
        environment: &[(&str, &str)],
    ) -> Result<Self, Error> {
        let number = match environment.iter().find(|(name, _)| *name == "PORT") {
            Some((_, given)) => given.parse()?,
            None => world.port(part),
        };
        let log = world.logs.join(format!("{part}-{number}.log"));
        let mut command = Self::command(world, part, database, environment);
        command
            .stdin(Stdio::null())
            .stderr(File::create(&log)?)
            .stdout(File::options().append(true).open(&log)?);
        let child = Child::spawn(command, Signal::TERM, world.stack.supervisor().guard().clone())?;
        let mut service = Self { port: number, child, log };
        let start = Instant::now();
        while !service.is_ready(world).await {
            let ended = timeout(ASK_EVERY, service.child.wait()).await.is_ok();
            if ended || start.elapsed() > PATIENCE {
                let told = std::fs::read_to_string(service.log)?;
                let last = told.lines().last().unwrap_or("it says nothing");
                return Err(format!("{part} does not start: {last}").into());
            }
        }
        Ok(service)
    }

    /// The command of the stack, with another database and the given settings.
    pub(crate) fn command(world: &World, part: Part, database: &Database, set: &[(&str, &str)]) -> Command {
        let mut command = Command::from(world.stack.command(part, None)());
        command.env("DATABASE_URL", &database.url).envs(set.iter().copied()).kill_on_drop(true);
        command
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.pid()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Ends the service and removes its log. If a row fails, its service is not stopped here, and the log is kept for
    /// the search of the cause.
    pub(crate) async fn stop(mut self) -> Result<(), Error> {
        self.child.stop(PATIENCE).await?;
        Ok(std::fs::remove_file(self.log)?)
    }

    async fn is_ready(&self, world: &World) -> bool {
        let answer = world.client.get(self.url("/ready")).timeout(Duration::from_secs(1)).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }
}
