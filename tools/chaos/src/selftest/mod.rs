//! Plants one bug at a time and shows that the books find it. A bug that they do not find is a hole in the run.

mod bugs;
mod workshop;

use std::time::Duration;

use crate::Error;
use crate::load::Pace;
use crate::run::{self, Plan, Rhythm};
use crate::world::{Wish, WrongClock};
use bugs::{BUGS, Bug};
use workshop::Workshop;

/// The load on each bug.
const LASTS: Duration = Duration::from_secs(20);
const SETTLES: Duration = Duration::from_secs(45);
/// A bug that shows by chance has so many.
const CHANCES: u64 = 3;

/// True where every bug was caught.
pub(crate) async fn selftest(only: &[String], rate: u32) -> Result<bool, Error> {
    let unknown = only.iter().find(|name| !BUGS.iter().any(|bug| bug.name == **name));
    if let Some(unknown) = unknown {
        let names: Vec<_> = BUGS.iter().map(|bug| bug.name).collect();
        return Err(format!("there is no bug {unknown}: {}", names.join(", ")).into());
    }
    let workshop = Workshop::open().await?;
    let mut table = Vec::new();
    let mut holes = 0;
    for bug in BUGS.iter().filter(|bug| only.is_empty() || only.iter().any(|name| name == bug.name)) {
        let verdict = catch(bug, &workshop, rate).await?;
        println!("{:<28} {verdict}", bug.name);
        holes += usize::from(verdict.starts_with("NOT"));
        table.push(format!("{:<28} {verdict}", bug.name));
    }
    workshop.close().await?;
    println!("\n{}", table.join("\n"));
    Ok(holes == 0)
}

async fn catch(bug: &Bug, workshop: &Workshop, rate: u32) -> Result<String, Error> {
    let mut second = Vec::new();
    if let Some(offset) = bug.second_clock {
        match WrongClock::find() {
            Ok(clock) => second = clock.environment(offset),
            Err(why) => return Ok(format!("not tried: {why}")),
        }
    }
    let services = workshop.build(bug).await?;
    for chance in 0..CHANCES {
        let plan = Plan {
            lasts: LASTS,
            rhythm: Rhythm::Once,
            weather: bug.weather.to_vec(),
            settles: SETTLES,
            pace: Pace {
                seed: chance,
                rate,
                at_once: 4_000,
                killers: bug.killers,
                poison: true,
                slow: bug.slow,
                failing: bug.failing,
                impatient: bug.impatient,
            },
            kinds: bug.faults.to_vec(),
            targets: bug.targets,
            wish: Wish {
                services: Some(services.clone()),
                set: bug.set.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
                fault_points: bug.fault_points.into(),
                second: second.clone(),
            },
            folder: run::folder(&format!("selftest-{}", bug.name))?,
        };
        let report = run::run(&plan).await?;
        let differences = &report.books.differences;
        if let Some((promise, events)) = differences.iter().find(|(promise, _)| bug.breaks.contains(promise))
        {
            return Ok(format!("caught: {promise}, {} times", events.len()));
        }
        println!("{report}");
    }
    Ok(format!("NOT CAUGHT in {CHANCES} runs: never seen: {}", bug.breaks.join(", ")))
}
