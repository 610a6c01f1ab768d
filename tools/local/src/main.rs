use clap::{Parser, Subcommand};

/// EventFlow on one machine: the services, and stand-ins for the cloud.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// The Pub/Sub stand-in.
    Pubsub(local::pubsub::Args),
    /// The BigQuery stand-in.
    Bigquery(local::bigquery::Args),
    /// The OIDC issuer.
    Oidc(local::oidc::Args),
    /// Calls the services as Cloud Scheduler would.
    Scheduler(local::scheduler::Args),
}

#[tokio::main]
async fn main() -> Result<(), local::Error> {
    match Cli::parse().command {
        Command::Pubsub(args) => local::pubsub::serve(args).await,
        Command::Bigquery(args) => local::bigquery::serve(args).await,
        Command::Oidc(args) => local::oidc::serve(args).await,
        Command::Scheduler(args) => local::scheduler::serve(args).await,
    }
}
