//! Measures the promised speed, as ratios to the results of PostgreSQL's own load generator on the same server.

mod compared;
mod delay;
mod figure;
mod load;
mod median;
mod payload;
mod pgbench;
mod picture;
mod processes;
mod report;
mod rows;
mod run;
mod size;
mod target;
mod world;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use rows::Row;
use size::Size;

pub(crate) type Error = Box<dyn std::error::Error + Send + Sync>;

/// Measures the speed of EventFlow beside that of pgbench.
#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measures, and writes bench.json and bench.md.
    Run(Run),
    /// Draws throughput and latency beside those of pgbench.
    Draw {
        /// The file with the figures (default: bench.json of the latest run).
        #[arg(long)]
        from: Option<PathBuf>,
        #[arg(long)]
        to: PathBuf,
    },
}

#[derive(clap::Args)]
struct Run {
    /// Measures every row at a tenth of its size.
    #[arg(long, conflicts_with = "scale")]
    quick: bool,
    /// Measures every row at this fraction of its size.
    #[arg(long)]
    scale: Option<f64>,
    /// Only these rows (default: all).
    #[arg(long, value_delimiter = ',')]
    only: Vec<Row>,
}

impl Run {
    fn size(&self) -> Size {
        match self.scale {
            Some(scale) => Size::of(scale),
            None if self.quick => Size::QUICK,
            None => Size::FULL,
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = tokio::select! {
        outcome = obey(Args::parse().command) => outcome,
        _ = tokio::signal::ctrl_c() => Err("interrupted".into()),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn obey(command: Command) -> Result<bool, Error> {
    match command {
        Command::Run(run) => run::run(run.size(), &run.only).await,
        Command::Draw { from, to } => {
            let from = from.map_or_else(|| Ok(run::folder()?.join("bench.json")), Ok::<_, Error>)?;
            std::fs::write(&to, picture::draw(&report::read(&from)?)?)?;
            println!("{} is drawn from {}", to.display(), from.display());
            Ok(true)
        }
    }
}
