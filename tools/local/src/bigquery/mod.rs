//! A stand-in for `BigQuery` with its real REST paths: datasets, tables, load jobs by upload, and reading rows. It
//! refuses unknown options of a load and unknown types of a column, so that nothing works here that has another
//! meaning in BigQuery.

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
    /// The folder of the rows and jobs.
    #[arg(long, default_value = ".local/bigquery")]
    dir: PathBuf,
    /// The number of loads that a table takes in a day. The default is BigQuery's own quota, and frequent flushes may
    /// need more.
    #[arg(long, default_value_t = 1_500)]
    loads_per_table_per_day: usize,
}

/// Serves until the process ends. No shutdown is needed, because every answered request is on disk.
pub async fn serve(args: Args) -> Result<(), crate::Error> {
    let listener = TcpListener::bind((args.host, args.port))
        .await
        .map_err(|error| format!("cannot listen on {}:{}: {error}", args.host, args.port))?;
    let router = router(&args.dir, args.loads_per_table_per_day)?;
    tracing::info!(address = %listener.local_addr()?, "BigQuery stand-in is ready");
    match server::serve(listener, router).await {}
}

/// Opens the folder without a port, so that a test can stand between the router and its callers.
pub fn router(dir: &Path, loads_per_table_per_day: usize) -> Result<Router, crate::Error> {
    let warehouse = Arc::new(Warehouse::open(dir, loads_per_table_per_day)?);
    for key in warehouse.unfinished_jobs() {
        load::submit(&warehouse, key);
    }
    Ok(router::router(warehouse))
}
