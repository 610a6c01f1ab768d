//! Attacks a running system and checks that it keeps its promises.

mod adversary;
mod books;
mod faults;
mod left;
mod load;
mod pressure;
mod probe;
mod proxy;
mod recovery;
mod report;
mod run;
mod selftest;
mod settle;
mod tools;
mod warehouse;
mod watch;
mod world;

use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};
use tokio::signal::unix::{SignalKind, signal};

use faults::Kind;
use load::Pace;
use run::{Plan, Rhythm};
use settle::Patience;
use world::{Wish, WrongClock};

pub(crate) type Error = Box<dyn std::error::Error + Send + Sync>;

/// The probability that a process dies at each of the most harmful points.
const FAULT_POINTS: &str =
    "after-commit=0.002,after-handler=0.001,in-relay-page=0.1,after-ledger=0.05,after-upload=0.05";

/// An event that kills its process takes ten leases to end.
const SETTLES: Duration = Duration::from_mins(4);

/// Attacks real processes with real faults, and balances the books.
#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Attacks the system, and balances the books.
    Run(Run),
    /// Loads the system to its limit while a transaction pins the rows that vacuum may remove.
    Pressure {
        #[arg(long, default_value_t = 5.0)]
        minutes: f64,
    },
    /// Plays scenes of the selftest without any bug. Their books have to balance.
    Scene {
        #[arg(required = true)]
        names: Vec<String>,
    },
    /// Plants one bug after another, and checks that the books show each of them.
    Selftest {
        /// Only these bugs (default: all).
        bugs: Vec<String>,
    },
}

#[derive(clap::Args)]
struct Run {
    /// The length of the attack in minutes. The time until the books are read comes on top.
    #[arg(long, default_value_t = 2.0)]
    minutes: f64,
    /// The same seed makes the same attack (default: a random seed, which is printed).
    #[arg(long)]
    seed: Option<u64>,
    /// Events a second.
    #[arg(long, default_value_t = 60)]
    rate: u32,
    /// Percentage of events that fail until they are dead.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=90))]
    failing: u32,
    /// The number of events that kill their process at every attempt.
    #[arg(long, default_value_t = 1)]
    killers: u32,
    /// Installs the programs that a fault needs and this machine lacks.
    #[arg(long)]
    install: bool,
    /// Only these faults (default: all).
    #[arg(long, value_delimiter = ',')]
    only: Vec<Kind>,
}

#[tokio::main]
async fn main() -> ExitCode {
    // The interrupted future is dropped, so that nothing is left behind, such as a mounted disk.
    let outcome = tokio::select! {
        outcome = obey(Args::parse().command) => outcome,
        _ = tokio::signal::ctrl_c() => Err("interrupted".into()),
        () = terminated() => Err("terminated".into()),
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

async fn terminated() {
    match signal(SignalKind::terminate()) {
        Ok(mut signals) => _ = signals.recv().await,
        // Without a handler for the signal, the default action ends the process at once.
        Err(_) => std::future::pending().await,
    }
}

async fn obey(command: Command) -> Result<bool, Error> {
    match command {
        Command::Run(run) => chaos(run).await,
        Command::Pressure { minutes } => pressure::pressure(Duration::from_secs_f64(minutes * 60.0)).await,
        Command::Scene { names } => selftest::play(&names).await,
        Command::Selftest { bugs } => selftest::selftest(&bugs).await,
    }
}

async fn chaos(args: Run) -> Result<bool, Error> {
    let seed = args.seed.unwrap_or_else(|| rand::random_range(0..1_000_000));
    println!("chaos for {} minutes, {} events a second, seed {seed}", args.minutes, args.rate);
    if args.install
        && let Err(why) = WrongClock::install()
    {
        println!("{why}: the clocks are not attacked");
    }
    let mut set = Vec::new();
    if args.failing > 0 {
        println!("{}% of the events fail until they are dead", args.failing);
        // Nacks slow the subscription down as much as on a laptop.
        set.push(("PUBSUB_MAX_BACKOFF_MS".to_owned(), "5000".to_owned()));
    }
    let plan = Plan {
        lasts: Duration::from_secs_f64(args.minutes * 60.0),
        rhythm: Rhythm::Waves,
        weather: Vec::new(),
        drops_messages: false,
        patience: Patience::of(&set, SETTLES, None)?,
        pace: Pace {
            seed,
            rate: args.rate,
            at_once: 4_000,
            killers: args.killers,
            session_enders: 1,
            poison: true,
            slow: 25,
            fails_twice: 20,
            fails: 10 * args.failing,
            impatient: false,
        },
        kinds: if args.only.is_empty() { Kind::value_variants().to_vec() } else { args.only },
        needs: &[],
        targets: "",
        wish: Wish { set, fault_points: FAULT_POINTS.into(), ..Wish::default() },
        folder: run::folder(&format!("seed-{seed}"))?,
    };
    let report = run::run(&plan).await?;
    print!("{report}");
    std::fs::write(plan.folder.join("report.txt"), report.to_string())?;
    Ok(report.balances())
}
