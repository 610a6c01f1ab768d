use std::{
    ffi::OsString,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use tokio::{net::TcpStream, time::sleep};

use super::{Part, Settings};
use crate::process::Program;

/// With a flush every five seconds, BigQuery's own quota of 1,500 would be used up in two hours, so a laptop needs
/// more.
const LOADS_A_DAY: &str = "20000";

/// One of the stand-ins for the cloud. It is this executable with the name of the part.
pub(super) struct StandIn {
    part: Part,
    binary: PathBuf,
    arguments: Vec<OsString>,
    settings: Settings,
}

impl StandIn {
    pub(super) fn new(part: Part, programs: &Path, data: &Path, settings: &Settings) -> Self {
        let number = || settings.ports.of(part).to_string().into();
        let data = || data.join(part.name()).into();
        let issuer = || issuer(settings).into();
        let arguments: Vec<OsString> = match part {
            Part::Pubsub => vec!["--port".into(), number(), "--issuer".into(), issuer()],
            Part::Scheduler => schedule(settings),
            Part::Bigquery => vec![
                "--port".into(),
                number(),
                "--dir".into(),
                data(),
                "--loads-per-table-per-day".into(),
                LOADS_A_DAY.into(),
            ],
            _ => vec!["--port".into(), number(), "--dir".into(), data()],
        };
        Self { part, binary: programs.join("local"), arguments, settings: settings.clone() }
    }
}

impl Program for StandIn {
    fn name(&self) -> &'static str {
        self.part.name()
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        self.settings.environment.pass_on_basics(&mut command);
        for name in ["LOG_LEVEL", "PUBSUB_MAX_BACKOFF_MS"] {
            if let Some(value) = self.settings.environment.get(name) {
                command.env(name, value);
            }
        }
        command.arg(self.part.name()).args(&self.arguments);
        command
    }

    async fn is_ready(&self, _pid: u32) -> bool {
        if self.part == Part::Scheduler {
            // The scheduler does not listen. If it cannot start, it ends at once.
            sleep(Duration::from_millis(200)).await;
            return true;
        }
        listens(self.settings.ports.of(self.part)).await
    }
}

pub(super) async fn listens(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_ok()
}

pub(super) fn issuer(settings: &Settings) -> String {
    format!("http://127.0.0.1:{}", settings.ports.of(Part::Oidc))
}

fn schedule(settings: &Settings) -> Vec<OsString> {
    let jobs = [
        (Part::ProcessPush, "relay", settings.relay_every_seconds),
        (Part::BqFlush, "flush", settings.flush_every_seconds),
        (Part::ProcessPush, "maintain", settings.maintain_every_seconds),
    ];
    let mut arguments: Vec<OsString> = vec![
        "--issuer".into(),
        issuer(settings).into(),
        "--account".into(),
        settings.account("scheduler").into(),
    ];
    for (part, path, every) in jobs {
        let job = format!("{}/{path}={every}", settings.url(part));
        arguments.extend(["--job".into(), job.into()]);
    }
    arguments
}
