//! Plants one bug at a time and shows that the books find it. If the books miss a bug, the chaos run has a gap.
//!
//! A find counts only if the control balances: the same scene with the same seed and without the bug.

mod bugs;
mod control;
mod play;
mod row;
mod scenes;
mod seed;
mod workshop;

use std::time::Instant;

use crate::Error;
use crate::tools;
use crate::world::WrongClock;
use bugs::{BUGS, Bug};
use control::Controls;
use row::Row;
use scenes::SCENES;
use workshop::Workshop;

/// A random fault may miss its place, so each bug gets this many seeds.
const CHANCES: u64 = 3;

/// Returns true if every bug was caught.
pub(crate) async fn selftest(only: &[String]) -> Result<bool, Error> {
    let unknown = only.iter().find(|name| !BUGS.iter().any(|bug| bug.name == **name));
    if let Some(unknown) = unknown {
        let names: Vec<_> = BUGS.iter().map(|bug| bug.name).collect();
        return Err(format!("there is no bug {unknown}: {}", names.join(", ")).into());
    }
    tools::patch()?;
    let start = Instant::now();
    let workshop = Workshop::open().await?;
    let mut controls = Controls::default();
    let mut table = Vec::new();
    for bug in BUGS.iter().filter(|bug| only.is_empty() || only.iter().any(|name| name == bug.name)) {
        let begun = Instant::now();
        // A bug that cannot be tried fails its row, and the other bugs are still tried.
        let row = try_to_catch(bug, &workshop, &mut controls).await;
        let row = row.unwrap_or_else(|error| Row::missed(error.to_string())).of(bug.name, begun.elapsed());
        println!("{row}");
        table.push(row);
    }
    workshop.close().await?;
    let caught = table.iter().filter(|row| row.is_caught).count();
    println!("\n{}", row::HEAD);
    for row in &table {
        println!("{row}");
    }
    println!("\n{caught} of {} bugs were caught, in {} s", table.len(), start.elapsed().as_secs());
    Ok(caught == table.len())
}

/// Plays scenes without any bug. Returns true if the books balance after each scene.
pub(crate) async fn play(names: &[String]) -> Result<bool, Error> {
    let mut all_balance = true;
    for name in names {
        let Some(scene) = SCENES.iter().find(|scene| scene.name == *name) else {
            let known: Vec<_> = SCENES.iter().map(|scene| scene.name).collect();
            return Err(format!("there is no scene {name}: {}", known.join(", ")).into());
        };
        if scene.second_clock.is_some() {
            WrongClock::install()?;
        }
        println!("\n{name}");
        let report = scene.run(None, 0, "scene").await?;
        println!("{report}");
        all_balance &= report.is_dealt && report.balances();
    }
    Ok(all_balance)
}

async fn try_to_catch(bug: &Bug, workshop: &Workshop, controls: &mut Controls) -> Result<Row, Error> {
    if bug.scene.second_clock.is_some() {
        WrongClock::install()?;
    }
    let services = workshop.build(bug).await?;
    let mut missed = Row::missed("no run".into());
    for seed in 0..CHANCES {
        println!("\n{}: {}, seed {seed}", bug.name, bug.scene.name);
        let report = bug.scene.run(Some(&services), seed, bug.name).await?;
        let differences = &report.books.differences;
        let seen = differences.iter().find(|(promise, _)| bug.breaks.contains(promise));
        if let Some((promise, events)) = seen {
            let control = controls.of(bug.scene, seed).await?;
            return Ok(Row::seen(format!("{promise}, {} times", events.len()), control));
        }
        let lacks = if report.is_dealt { "" } else { ", the fault was never dealt" };
        missed = Row::missed(format!("not in {} runs{lacks}: {}", seed + 1, bug.breaks.join(", ")));
        println!("{report}");
    }
    Ok(missed)
}
