use std::process::Stdio;
use std::time::Instant;

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

/// What one flush of all rows took.
struct Taken {
    rows_per_second: f64,
    most_memory: f64,
    cpu: f64,
    postgres_cpu: f64,
}

/// All events to the BigQuery stand-in, against PostgreSQL's own way of writing a table out.
pub(super) async fn measure(world: &World) -> Result<Vec<Figure>, Error> {
    let rows = world.size.rows(1_000_000);
    let full = world.migrated_database("flush").await?;
    grow(&full, rows).await?;
    let (mut speeds, mut copies, mut taken) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..Size::ROUNDS {
        let flushed = flush(world, &full, round, rows).await?;
        speeds.push(flushed.rows_per_second);
        taken.push(flushed);
        copies.push(copy(world, &full, rows).await?);
    }
    world.drop_database(&full).await?;
    let of = |part: fn(&Taken) -> f64| {
        let samples: Vec<_> = taken.iter().map(part).collect();
        median(&samples).ok_or("nothing was measured")
    };
    let most = taken.iter().map(|taken| taken.most_memory).fold(0.0, f64::max);
    Ok(vec![
        Figure::compared("flush", "rows/s", &Compared::of(speeds, copies)?).note(format!("{rows} rows")),
        Figure::alone("flush-rss", most, "MiB"),
        Figure::alone("flush-cpu", of(|taken| taken.cpu)?, "CPU s per 1,000"),
        Figure::alone("flush-cpu-postgres", of(|taken| taken.postgres_cpu)?, "CPU s per 1,000"),
    ])
}

/// Of a copy, and into a table of its own: BigQuery remembers what it was given.
async fn flush(world: &World, full: &Database, round: usize, rows: u64) -> Result<Taken, Error> {
    let database = world.copied_database("flush_round", full).await?;
    let table = format!("events_{round}");
    let service = Service::start(world, Part::BqFlush, &database, &[("BIGQUERY_TABLE_ID", &table)]).await?;
    let token = world.token("scheduler", Part::BqFlush).await?;
    world.settle().await?;
    let (cpu, postgres) = (processes::cpu(service.pid()).ok(), world.postgres_cpu().await.ok());
    let start = Instant::now();
    loop {
        let call = world.client.post(service.url("/flush")).bearer_auth(&token);
        let flushed: Flushed = call.send().await?.error_for_status()?.json().await?;
        if flushed.unloaded_rows == 0 {
            break;
        }
    }
    let took = start.elapsed();
    let since = |before: Option<_>, after: Option<std::time::Duration>| {
        after.zip(before).map_or(f64::NAN, |(after, before)| a_thousand(after.saturating_sub(before), rows))
    };
    let taken = Taken {
        rows_per_second: a_second(rows, took),
        most_memory: processes::memory(service.pid()).map_or(f64::NAN, |memory| memory.most),
        cpu: since(cpu, processes::cpu(service.pid()).ok()),
        postgres_cpu: since(postgres, world.postgres_cpu().await.ok()),
    };
    let loaded: i64 =
        database.value("SELECT sum(rows)::bigint FROM loads WHERE loaded_at IS NOT NULL").await?;
    if loaded.cast_unsigned() != rows {
        return Err(format!("{loaded} of {rows} rows were loaded").into());
    }
    service.stop().await?;
    world.drop_database(&database).await?;
    Ok(taken)
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
fn a_second(rows: u64, took: std::time::Duration) -> f64 {
    rows as f64 / took.as_secs_f64()
}
