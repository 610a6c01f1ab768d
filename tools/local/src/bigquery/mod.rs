//! A stand-in for `BigQuery`: datasets, tables, load jobs by upload, and reading rows back, over
//! the real REST paths. An option of a load or a type of a column that it does not know it refuses,
//! so that nothing works here that would mean something else there.

mod catalog;
mod dataset;
mod error;
mod faults;
mod job;
mod journal;
mod load;
mod reference;
mod router;
mod rows;
mod schema;
mod server;
mod table;
mod upload;
mod warehouse;

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use tokio::net::TcpListener;

use warehouse::Warehouse;

#[derive(clap::Args)]
pub struct Args {
    #[arg(long, default_value = "127.0.0.1")]
    host: IpAddr,
    #[arg(long, default_value_t = 9050)]
    port: u16,
    /// Where rows and jobs are kept.
    #[arg(long, default_value = ".local/bigquery")]
    dir: PathBuf,
    /// BigQuery's own quota, which a test or a laptop that flushes all the time may want higher.
    #[arg(long, default_value_t = 1_500)]
    loads_per_table_per_day: usize,
}

/// Needs no shutdown: whatever has been answered is on disk, and a signal may end the process.
pub async fn serve(args: Args) -> Result<(), crate::Error> {
    let listener = TcpListener::bind((args.host, args.port))
        .await
        .map_err(|error| format!("cannot listen on {}:{}: {error}", args.host, args.port))?;
    let router = router(&args.dir, args.loads_per_table_per_day)?;
    tracing::info!(address = %listener.local_addr()?, "BigQuery stand-in is ready");
    match server::serve(listener, router).await {}
}

/// What is in the folder, without a port: a test may come between it and its callers.
pub fn router(dir: &Path, loads_per_table_per_day: usize) -> Result<Router, crate::Error> {
    let warehouse = Arc::new(Warehouse::open(dir, loads_per_table_per_day)?);
    for key in warehouse.unfinished_jobs() {
        load::submit(&warehouse, key);
    }
    Ok(router::router(warehouse))
}
