use std::{
    ffi::OsString,
    fs::File,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};

use rustix::process::{Pid, kill_process};
use tokio::process::Command;

use super::{Binaries, Cluster, Durability, Wanted, cluster};
use crate::{
    Error, ports,
    process::{Child, Guard, Signal, ending},
    signals::Stop,
    temporary,
};

const PATIENCE: Duration = Duration::from_secs(20);

/// Runs a command with the `DATABASE_URL` of a private PostgreSQL.
#[derive(clap::Args)]
pub struct Args {
    /// Uses this installed version, even if `DATABASE_URL` is set.
    #[arg(long)]
    version: Option<u32>,
    /// Succeeds without running the command if that version is not installed.
    #[arg(long, requires = "version")]
    if_installed: bool,
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

/// Returns the exit code of the command.
pub async fn run(args: Args) -> Result<u8, Error> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    if set("DATABASE_URL").is_some() && args.version.is_none() {
        eprintln!("PostgreSQL: the server of DATABASE_URL");
        return code(command(&args.command, None).await?);
    }
    let wanted = match args.version {
        Some(major) if args.if_installed && !Binaries::is_installed(major) => {
            eprintln!("PostgreSQL {major} is not installed: skipped");
            return Ok(0);
        }
        Some(major) => Wanted::Installed(major),
        None => Wanted::by(set("POSTGRES_BIN")),
    };
    with_server(Binaries::find(wanted).await?, &args.command).await
}

async fn with_server(binaries: Binaries, line: &[OsString]) -> Result<u8, Error> {
    eprintln!("{binaries}");
    let guard = Arc::new(Guard::start()?);
    let folder = temporary::folder()?;
    guard.remove(folder.path())?;
    let cluster = Cluster::open(binaries, folder.path(), Durability::ThrownAway).await?;
    let [port] = ports::free()?;
    let log = folder.path().join("log");
    let mut server = start(&cluster, port, &log, guard).await?;
    let status = command(line, Some(&cluster::url(port))).await;
    let end = server.stop(PATIENCE).await?;
    if !end.success() {
        eprintln!("PostgreSQL died before the command ended: {}", ending(end));
    }
    code(status?)
}

async fn start(cluster: &Cluster, port: u16, log: &Path, guard: Arc<Guard>) -> Result<Child, Error> {
    let mut command = Command::from(cluster.server(port));
    command.stdout(Stdio::null()).stderr(File::create(log)?);
    let mut server = Child::spawn(command, Signal::INT, guard)?;
    let pid = server.pid();
    let ready = async {
        while !cluster.is_ready(pid) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::select! {
        status = server.wait() => {
            let told = std::fs::read_to_string(log)?;
            Err(format!("PostgreSQL does not start: {}\n{told}", ending(status?)).into())
        }
        () = ready => Ok(server),
    }
}

/// Runs the command in the foreground of the terminal, so that Ctrl-C reaches it. A signal that reaches only this
/// process is passed on. The end of the command is always awaited, because the server has to outlive it.
async fn command(line: &[OsString], url: Option<&str>) -> Result<ExitStatus, Error> {
    let (program, arguments) = line.split_first().ok_or("no command")?;
    let mut command = Command::new(program);
    command.args(arguments);
    if let Some(url) = url {
        command.env("DATABASE_URL", url);
    }
    let mut signals = Stop::listen()?;
    let mut child =
        command.spawn().map_err(|error| format!("cannot start {}: {error}", program.display()))?;
    loop {
        tokio::select! {
            status = child.wait() => return Ok(status?),
            signal = signals.next() => pass_on(signal, child.id()),
        }
    }
}

/// The terminal sends SIGINT to the command as well, and a second one would hurry its end.
fn pass_on(signal: Signal, to: Option<u32>) {
    let pid = to.and_then(|id| Pid::from_raw(id.cast_signed()));
    if let Some(pid) = pid.filter(|_| signal != Signal::INT) {
        // A command that has just ended needs no signal.
        let _ = kill_process(pid, signal);
    }
}

fn code(status: ExitStatus) -> Result<u8, Error> {
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal))
        .ok_or("the command has no exit code")?;
    Ok(u8::try_from(code)?)
}
