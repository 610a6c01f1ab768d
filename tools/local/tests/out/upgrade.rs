//! After `pg_upgrade`, a cluster continues without help and loads no event twice.

use axum::http::StatusCode;

use crate::client::Server;
use crate::cluster::{Cluster, UPGRADE_BIN, versions_to_upgrade};
use crate::restore::{Site, a_life, says};

const FOLLOWED: &str = "SELECT count(*) FROM audit_log WHERE action = 'follow-upgrade' AND role = 'service'";

/// A cluster of 15 with data, after its upgrade to 17.
async fn upgraded(before: &str, warehouse: &Server) -> Option<(Cluster, Vec<String>, Vec<String>)> {
    let (old, new) = match versions_to_upgrade().await {
        Ok(versions) => versions,
        Err(why) => {
            eprintln!(
                "not run, since it takes PostgreSQL 15 and the pg_upgrade of 17 ({UPGRADE_BIN}): {why}"
            );
            return None;
        }
    };
    let cluster = Cluster::migrated_of(old).await.in_epoch(2).await;
    let site = Site::of(&cluster, warehouse).await;
    let (loaded, open) = a_life(&site).await;
    cluster.database.store.metrics().await.unwrap();
    cluster.database.sql("VACUUM FREEZE").await;
    cluster.database.sql(before).await;
    let identifier = "SELECT system_identifier FROM pg_control_system()";
    let was: i64 = cluster.database.value(identifier).await;
    let cluster = cluster.upgraded(new).await;
    assert_ne!(cluster.database.value::<i64>(identifier).await, was, "the upgrade made another cluster");
    cluster.database.sql("UPDATE loads SET retry_at = NULL").await;
    Some((cluster, loaded, open))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgraded_cluster_goes_on_and_loads_nothing_twice() {
    let warehouse = Server::start().await;
    let Some((cluster, loaded, open)) = upgraded("", &warehouse).await else { return };
    let store = &cluster.database.store;
    let site = Site::of(&cluster, &warehouse).await;
    let fresh = site.events(&["g", "h"]).await;
    // The readers start at the same time, and any of them may come first.
    let metrics = futures::future::join_all((0..4).map(|_| store.metrics()));
    let (metrics, answer) = tokio::join!(metrics, site.flusher.flush());
    for metrics in metrics {
        assert_eq!(metrics.unwrap().total, 9);
    }
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    site.flush().await;
    site.holds(&[&loaded, &open, &fresh]).await;
    assert_eq!(site.number(FOLLOWED).await, 1);
    // Afterwards the database works as usual.
    let later = site.events(&["i"]).await;
    site.flush().await;
    site.holds(&[&loaded, &open, &fresh, &later]).await;
    assert_eq!(store.audit_counts(std::time::Duration::ZERO, 100, soon()).await.unwrap(), []);
    cluster.stop().await;
}

/// BigQuery holds no rows, so only the ledger tells what was loaded.
#[tokio::test(flavor = "multi_thread")]
async fn an_adoption_of_an_upgraded_cluster_believes_its_ledger() {
    let Some((cluster, _, open)) = upgraded("", &Server::start().await).await else { return };
    let emptied = Server::start().await;
    let site = Site::of(&cluster, &emptied).await;
    let told = ["made in this cluster", "rows in BigQuery: 0", "will be: 3"];
    says(&site.adopt(false).await.unwrap(), &told);
    says(&site.adopt(true).await.unwrap(), &told);
    site.flush().await;
    site.holds(&[&open]).await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_that_code_from_before_has_moved_goes_on_by_its_ranges() {
    let warehouse = Server::start().await;
    let before = "UPDATE cursors SET written_by = NULL";
    let Some((cluster, loaded, open)) = upgraded(before, &warehouse).await else { return };
    let site = Site::of(&cluster, &warehouse).await;
    site.flush().await;
    site.holds(&[&loaded, &open]).await;
    assert_eq!(site.number(FOLLOWED).await, 1);
    cluster.stop().await;
}

/// Retention has removed all rows of the log, so no row can tell which cluster wrote it.
#[tokio::test(flavor = "multi_thread")]
async fn an_empty_log_goes_on_by_its_cursors() {
    let warehouse = Server::start().await;
    let before =
        "UPDATE loads SET loaded_at = now(); DELETE FROM live; DELETE FROM events; DELETE FROM event_totals";
    let Some((cluster, loaded, _)) = upgraded(before, &warehouse).await else { return };
    let site = Site::of(&cluster, &warehouse).await;
    let fresh = site.events(&["g"]).await;
    site.flush().await;
    site.holds(&[&loaded, &fresh]).await;
    cluster.stop().await;
}

fn soon() -> tokio::time::Instant {
    tokio::time::Instant::now() + std::time::Duration::from_mins(1)
}
