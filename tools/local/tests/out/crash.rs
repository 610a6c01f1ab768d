//! The server of the database dies during an adoption, which makes the database the one that loads.

use admin::adopt::adopt;
use gcp::BigQuery;
use serde_json::json;
use store::{Store, StoreConfig};

use crate::client::Server;
use crate::cluster::Cluster;
use crate::harness::{Flusher, bigquery, events, settings, settled};
use crate::wire::Wire;

const PAGES: usize = 2;

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_at_any_statement_of_an_adoption_doubles_nothing() {
    let warehouse = Server::start().await;
    let mut cluster = Cluster::migrated().await;
    let flusher = Flusher::start(&cluster.database.store, &warehouse, settings()).await;
    let mut ids = events(&cluster.database.store, &["a", "b", "c", "d", "e", "f"]).await;
    settled(&cluster.database).await;
    flusher.flushed().await;
    let mut at = 0;
    loop {
        at += 1;
        warehouse.faults(json!({"rowsPerPage": ids.len().div_ceil(PAGES)})).await;
        ids.extend(events(&cluster.database.store, &["not loaded yet"]).await);
        // This simulates that every event was written after a restore. Only the ids in BigQuery tell what is loaded,
        // and nothing is counted.
        cluster.database.sql("UPDATE cursors SET system_identifier = 1; DELETE FROM event_totals").await;
        if !dies_at(at, &mut cluster, &warehouse).await {
            break;
        }
        warehouse.faults(json!({})).await;
        settled(&cluster.database).await;
        flusher.flushed().await;
        let (mut found, mut wanted) = (warehouse.ids().await, ids.clone());
        found.sort();
        wanted.sort();
        assert_eq!(found, wanted, "the server died at statement {at}");
        let metrics = cluster.database.store.metrics().await.unwrap();
        assert_eq!(metrics.total, i64::try_from(ids.len()).unwrap(), "the server died at statement {at}");
    }
    assert!(at > 30, "an adoption has more than {at} statements");
    cluster.stop().await;
}

/// Adopts, and adopts again if that failed. Returns false if the adoption has fewer statements than `at`.
async fn dies_at(at: u32, cluster: &mut Cluster, warehouse: &Server) -> bool {
    let mut wire = Wire::to(cluster.port(), at).await;
    let store =
        Store::new(&StoreConfig { max_connections: 3, ..StoreConfig::new(wire.url.clone(), "adopt") });
    let store = store.unwrap();
    let bigquery = BigQuery::connect(bigquery(warehouse)).await.unwrap();
    let adopting = {
        let (store, bigquery) = (store.clone(), bigquery.clone());
        tokio::spawn(async move { adopt(&store, &bigquery, true).await })
    };
    tokio::pin!(adopting);
    let adopted = tokio::select! {
        adopted = &mut adopting => {
            assert!(adopted.unwrap().unwrap().contains("Adopted"));
            return false;
        }
        go_on = wire.reached() => {
            cluster.crash().await;
            go_on.send(()).unwrap();
            adopting.await.unwrap()
        }
    };
    store.close().await;
    if adopted.is_err() {
        cluster.database.sql("UPDATE leases SET until = now() WHERE name = 'loads'").await;
        adopt(&cluster.database.store, &bigquery, true).await.unwrap();
    }
    true
}
