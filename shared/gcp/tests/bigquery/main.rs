//! Tests of the BigQuery client against a server that has as much of the API as is called, and can fail.
#![allow(clippy::unwrap_used)]

mod ensure;
mod job;
mod listing;
mod load;
mod warehouse;

use std::time::Duration;

use gcp::{BigQuery, BigQueryConfig};

fn config(host: String) -> BigQueryConfig {
    BigQueryConfig {
        project: "eventflow-local".into(),
        dataset: "eventflow".into(),
        table: "events".into(),
        location: Some("EU".into()),
        emulator_host: Some(host),
        credentials_file: None,
        timeout: Duration::from_millis(500),
    }
}

async fn bigquery(host: String) -> BigQuery {
    BigQuery::connect(config(host)).await.unwrap()
}

async fn unused_host() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().to_string()
}
