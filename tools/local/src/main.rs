use std::{
    io::{self, IsTerminal},
    process::ExitCode,
};

use clap::{Parser, Subcommand};
use tracing_subscriber::filter::{EnvFilter, LevelFilter};

/// Runs EventFlow on one machine: the services, and stand-ins for the cloud.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs everything until Ctrl-C.
    Run,
    /// Removes the data of earlier runs.
    Reset,
    /// Sends real webhook bodies to the running system, and balances the books.
    Demo,
    /// Runs a command with the `DATABASE_URL` of a private PostgreSQL.
    Postgres(local::postgres::Args),
    /// Runs the Pub/Sub stand-in.
    Pubsub(local::pubsub::Args),
    /// Runs the BigQuery stand-in.
    Bigquery(local::bigquery::Args),
    /// Runs the OIDC issuer.
    Oidc(local::oidc::Args),
    /// Calls the services as Cloud Scheduler would.
    Scheduler(local::scheduler::Args),
    /// Ends the processes of a host that was killed. The host itself starts this command.
    #[command(hide = true)]
    Guard,
}

#[tokio::main]
async fn main() -> ExitCode {
    if let Err(error) = logging() {
        eprintln!("error: LOG_LEVEL: {error}");
        return ExitCode::FAILURE;
    }
    match run(Cli::parse().command).await {
        Ok(code) => code.into(),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Sets up the log of the stand-ins. The host reads their output, so it has colours only on a terminal.
fn logging() -> Result<(), local::Error> {
    let level = std::env::var("LOG_LEVEL").unwrap_or_default();
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).parse(level)?;
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(io::stdout().is_terminal()).init();
    Ok(())
}

async fn run(command: Command) -> Result<u8, local::Error> {
    match command {
        Command::Run => local::host::run().await?,
        Command::Reset => local::host::reset().await?,
        Command::Demo => return local::demo::run().await,
        Command::Postgres(args) => return local::postgres::run(args).await,
        Command::Pubsub(args) => local::pubsub::serve(args).await?,
        Command::Bigquery(args) => local::bigquery::serve(args).await?,
        Command::Oidc(args) => local::oidc::serve(args).await?,
        Command::Scheduler(args) => local::scheduler::serve(args).await?,
        Command::Guard => local::process::stand_guard(io::stdin().lock()),
    }
    Ok(0)
}
