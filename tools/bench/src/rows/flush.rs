use std::process::Stdio;
use std::time::{Duration, Instant};

use local::stack::Part;
use serde::Deserialize;
use tokio::process::Command;

use super::ingest_cpu::a_thousand;
use crate::compared::Compared;
use crate::figure::Figure;
use crate::median::median;
use crate::pgbench;
use crate::size::Size;
use crate::world::{Database, Service, World, grow};
use crate::{Error, processes};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Flushed {
    unloaded_rows: i64,
}

/// The result of one flush of all rows. CPU and memory cannot be read on every system.
struct Taken {
    rows_per_second: f64,
    used: Result<Used, Error>,
}

struct Used {
    most_memory: f64,
    cpu: f64,
    postgres_cpu: f64,
}

/// Loads all events to the BigQuery stand-in, beside PostgreSQL's own way of writing a table out.
pub(super) async fn measure(world: &World) -> Result<Vec<Figure>, Error> {
    let rows = world.size.rows(1_000_000);
    let full = world.migrated_database("flush").await?;
    grow(&full, rows).await?;
    let (mut speeds, mut copies, mut used) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..Size::ROUNDS {
        let taken = flush(world, &full, round, rows).await?;
        speeds.push(taken.rows_per_second);
        used.push(taken.used);
        copies.push(copy(world, &full, rows).await?);
    }
    world.drop_database(&full).await?;
    let speed = Figure::compared("flush", "rows/s", &Compared::of(speeds, copies)?);
    let mut figures = vec![speed.note(format!("{rows} rows"))];
    match used.into_iter().collect::<Result<Vec<_>, _>>() {
        Ok(used) => figures.extend(used_by(&used)?),
        Err(error) => figures.push(Figure::missing("flush-rss", &error)),
    }
    Ok(figures)
}

fn used_by(rounds: &[Used]) -> Result<[Figure; 3], Error> {
    let of = |part: fn(&Used) -> f64| {
        let samples: Vec<_> = rounds.iter().map(part).collect();
        median(&samples).ok_or("nothing was measured")
    };
    let most = rounds.iter().map(|used| used.most_memory).fold(0.0, f64::max);
    Ok([
        Figure::alone("flush-rss", most, "MiB"),
        Figure::alone("flush-cpu", of(|used| used.cpu)?, "CPU s per 1,000"),
        Figure::alone("flush-cpu-postgres", of(|used| used.postgres_cpu)?, "CPU s per 1,000"),
    ])
}

/// Flushes a copy of the database into a table of its own, because BigQuery remembers what it has loaded.
async fn flush(world: &World, full: &Database, round: usize, rows: u64) -> Result<Taken, Error> {
    let database = world.copied_database("flush_round", full).await?;
    let destination = format!("events_{round}");
    let service =
        Service::start(world, Part::BqFlush, &database, &[("BIGQUERY_TABLE_ID", &destination)]).await?;
    let token = world.token("scheduler", Part::BqFlush).await?;
    world.settle().await?;
    let before = cpu(world, &service).await;
    let start = Instant::now();
    loop {
        let call = world.client.post(service.url("/flush")).bearer_auth(&token);
        let flushed: Flushed = call.send().await?.error_for_status()?.json().await?;
        if flushed.unloaded_rows == 0 {
            break;
        }
    }
    let took = start.elapsed();
    let used = match (before, cpu(world, &service).await) {
        (Ok(before), Ok(after)) => processes::memory(service.pid()).map(|memory| Used {
            most_memory: memory.most,
            cpu: a_thousand(after.0.saturating_sub(before.0), rows),
            postgres_cpu: a_thousand(after.1.saturating_sub(before.1), rows),
        }),
        (Err(error), _) | (_, Err(error)) => Err(error),
    };
    let loaded: i64 =
        database.value("SELECT sum(rows)::bigint FROM loads WHERE loaded_at IS NOT NULL").await?;
    if loaded.cast_unsigned() != rows {
        return Err(format!("{loaded} of {rows} rows were loaded").into());
    }
    service.stop().await?;
    world.drop_database(&database).await?;
    Ok(Taken { rows_per_second: a_second(rows, took), used })
}

/// The CPU time of bq-flush and of PostgreSQL.
async fn cpu(world: &World, service: &Service) -> Result<(Duration, Duration), Error> {
    Ok((processes::cpu(service.pid())?, world.postgres_cpu().await?))
}

async fn copy(world: &World, full: &Database, rows: u64) -> Result<f64, Error> {
    world.settle().await?;
    let start = Instant::now();
    let status = Command::new(pgbench::psql()?)
        .args(["--no-psqlrc", "--quiet", "--command=COPY (SELECT * FROM events) TO STDOUT"])
        .arg(&full.url)
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .status()
        .await?;
    if !status.success() {
        return Err("psql could not copy the events out".into());
    }
    Ok(a_second(rows, start.elapsed()))
}

#[allow(clippy::cast_precision_loss)]
fn a_second(rows: u64, took: Duration) -> f64 {
    rows as f64 / took.as_secs_f64()
}
