use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::ValueEnum;

use crate::Error;
use crate::figure::Figure;
use crate::report;
use crate::rows::Row;
use crate::size::Size;
use crate::world::World;

/// Returns true if every row could be measured. A missed target is reported, and does not fail the run.
pub(crate) async fn run(size: Size, only: &[Row]) -> Result<bool, Error> {
    if cfg!(debug_assertions) {
        eprintln!("this is a debug build, so its figures are too slow (make bench builds for release)");
    }
    let rows = if only.is_empty() { Row::value_variants() } else { only };
    let folder = folder()?;
    let start = Instant::now();
    let world = World::start(&folder, size).await?;
    let mut about = about(&world);
    let mut figures: Vec<Figure> = Vec::new();
    for row in rows {
        let begun = Instant::now();
        let measured = match row.measure(&world).await {
            Ok(measured) => measured,
            Err(error) => vec![Figure::missing(&row.name(), &error)],
        };
        for figure in measured {
            let figure = Figure { quick: size.is_quick(), ..figure };
            println!("{}", report::line(&figure));
            figures.push(figure);
        }
        eprintln!("{} took {} s", row.name(), begun.elapsed().as_secs());
        // The report is written after each row, so that an interrupted run keeps its figures.
        report::write(&folder, &figures, &about)?;
    }
    world.stop().await?;
    about.push(format!("{} rows in {} s", rows.len(), start.elapsed().as_secs()));
    report::write(&folder, &figures, &about)?;
    println!("\n{}", report::markdown(&figures, &about));
    println!("written to {}", folder.join("bench.json").display());
    Ok(figures.iter().all(|figure| figure.value.is_some() || figure.met.is_none()))
}

/// Returns a folder inside cargo's target folder.
pub(crate) fn folder() -> Result<PathBuf, Error> {
    let binaries = local::process::binaries()?;
    Ok(binaries.parent().unwrap_or(Path::new(".")).join("bench"))
}

/// Describes the machine and the database of the figures.
fn about(world: &World) -> Vec<String> {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let processor = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processor.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("unknown processor", |(_, model)| model);
    let system = format!("{} {}", std::env::consts::OS, std::env::consts::ARCH);
    vec![
        format!("{cores} cores of {model}, {system}, shared by all that is measured and by what measures"),
        format!("{}, its default settings, fsync on", world.postgres()),
    ]
}
