//! After a restore or a rollback of the database, each event is in BigQuery once, and the messages tell the operator
//! what to do.

use admin::adopt::{NotAdopted, adopt};
use axum::http::StatusCode;
use gcp::BigQuery;
use serde_json::json;

use crate::client::Server;
use crate::cluster::Cluster;
use crate::harness::{Flusher, bigquery, events, settings, settled};

/// A cluster, the warehouse, and a flusher between them.
pub(crate) struct Site<'a> {
    cluster: &'a Cluster,
    warehouse: &'a Server,
    pub(crate) flusher: Flusher,
}

impl<'a> Site<'a> {
    pub(crate) async fn of(cluster: &'a Cluster, warehouse: &'a Server) -> Self {
        let flusher = Flusher::start(&cluster.database.store, warehouse, settings()).await;
        Self { cluster, warehouse, flusher }
    }

    pub(crate) async fn events(&self, payloads: &[&str]) -> Vec<String> {
        events(&self.cluster.database.store, payloads).await
    }

    pub(crate) async fn flush(&self) {
        settled(&self.cluster.database).await;
        self.flusher.flushed().await;
    }

    pub(crate) async fn number(&self, question: &str) -> i64 {
        self.cluster.database.value(question).await
    }

    pub(crate) async fn adopt(&self, is_confirmed: bool) -> Result<String, NotAdopted> {
        let bigquery = BigQuery::connect(bigquery(self.warehouse)).await.unwrap();
        adopt(&self.cluster.database.store, &bigquery, is_confirmed).await
    }

    /// Checks that the flusher stops, reports its finding and names the remedy, that a look changes nothing, and that
    /// loads continue after the command.
    async fn goes_on_when_told(&self, found: &str, told: &[&str]) {
        let before = self.warehouse.ids().await;
        for _ in 0..2 {
            let detail = self.flusher.refused(StatusCode::CONFLICT).await;
            assert!(detail.contains(found) && detail.contains("`admin adopt`"), "{detail}");
            let report = self.adopt(false).await.unwrap();
            assert!(report.contains("Nothing was changed"), "{report}");
            says(&report, told);
        }
        assert_eq!(self.warehouse.ids().await, before);
        let adopted = "SELECT count(*) FROM audit_log WHERE action = 'adopt' AND actor = 'terminal'";
        let on_record = self.number(adopted).await;
        let report = self.adopt(true).await.unwrap();
        says(&report, told);
        assert_eq!(self.number(adopted).await, on_record + 1, "a look is not on record");
        self.flush().await;
        // Loads work as usual afterwards.
        let left = self.number("SELECT count(*) FROM loads WHERE loaded_at IS NULL").await;
        assert_eq!(left, 0);
    }

    pub(crate) async fn holds(&self, ids: &[&Vec<String>]) {
        let mut wanted: Vec<_> = ids.iter().copied().flatten().cloned().collect();
        let mut found = self.warehouse.ids().await;
        wanted.sort();
        found.sort();
        assert_eq!(found, wanted);
        let metrics = self.cluster.database.store.metrics().await.unwrap();
        assert_eq!(metrics.total, self.number("SELECT count(*) FROM events").await);
        assert_eq!(metrics.pending, metrics.total);
    }
}

pub(crate) fn says(report: &str, told: &[&str]) {
    for told in told {
        assert!(report.contains(told), "{told}: {report}");
    }
}

/// Some events are loaded, one is rejected, one is in a range whose job failed, and two are in no range.
pub(crate) async fn a_life(site: &Site<'_>) -> (Vec<String>, Vec<String>) {
    site.warehouse.faults(json!({"invalidRows": "poison"})).await;
    let mut loaded = site.events(&["a", "b", "poison", "c"]).await;
    loaded.remove(2);
    site.flush().await;
    assert_eq!(site.warehouse.ids().await.len(), 3);
    site.warehouse.faults(json!({"failJobs": {"reason": "backendError", "count": 1}})).await;
    let mut open = site.events(&["d"]).await;
    site.flush().await;
    site.warehouse.faults(json!({})).await;
    assert_eq!(site.number("SELECT count(*) FROM loads WHERE loaded_at IS NULL").await, 1);
    open.extend(site.events(&["e", "f"]).await);
    (loaded, open)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_restored_elsewhere_with_nothing_loaded_after_it() {
    // Either of the clusters may have used more transaction IDs.
    for (old, new) in [(3_000, 0), (0, 3_000)] {
        let warehouse = Server::start().await;
        let first = Cluster::migrated().await;
        first.age(old).await;
        let site = Site::of(&first, &warehouse).await;
        let (loaded, open) = a_life(&site).await;
        let second = first.restored().await;
        first.stop().await;
        second.age(new).await;
        let site = Site::of(&second, &warehouse).await;
        let fresh = site.events(&["g", "h"]).await;
        let told = ["another PostgreSQL cluster", "rows in BigQuery: 3, by 0 load jobs", "will be: 5"];
        site.goes_on_when_told("another PostgreSQL cluster", &told).await;
        site.holds(&[&loaded, &open, &fresh]).await;
        let later = site.events(&["i"]).await;
        site.flush().await;
        site.holds(&[&loaded, &open, &fresh, &later]).await;
        second.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_restored_elsewhere_with_loads_after_it() {
    let warehouse = Server::start().await;
    let first = Cluster::migrated().await;
    first.age(3_000).await;
    let site = Site::of(&first, &warehouse).await;
    let (loaded, open) = a_life(&site).await;
    let second = first.restored().await;
    let lost = site.events(&["only there"]).await;
    first.database.sql("UPDATE loads SET retry_at = NULL").await;
    site.flush().await;
    first.stop().await;

    let site = Site::of(&second, &warehouse).await;
    let fresh = site.events(&["g"]).await;
    let told = ["does not say so: 3", "not in this database: 1", "will be: 1"];
    site.goes_on_when_told("another PostgreSQL cluster", &told).await;
    site.holds(&[&loaded, &open, &lost, &fresh]).await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_copy_of_the_data_folder() {
    let warehouse = Server::start().await;
    let first = Cluster::migrated().await;
    let (loaded, open) = a_life(&Site::of(&first, &warehouse).await).await;
    let (first, copy) = first.copied().await;
    let site = Site::of(&first, &warehouse).await;
    let lost = site.events(&["only there"]).await;
    first.database.sql("UPDATE loads SET retry_at = NULL").await;
    site.flush().await;
    first.stop().await;

    let older = Cluster::start_copy(copy).await;
    older.database.sql("UPDATE loads SET retry_at = NULL").await;
    let site = Site::of(&older, &warehouse).await;
    let fresh = site.events(&["g"]).await;
    let told = ["this cluster", "does not say so: 3", "not in this database: 1", "will be: 1"];
    site.goes_on_when_told("BigQuery knows more", &told).await;
    site.holds(&[&loaded, &open, &lost, &fresh]).await;
    older.stop().await;
}

/// Older code did not record the cluster that wrote a cursor, and this cluster has used more transaction IDs than the
/// cursors. Only the rows show that it was restored.
#[tokio::test(flavor = "multi_thread")]
async fn a_dump_of_cursors_that_nobody_has_noted_is_no_upgrade() {
    let warehouse = Server::start().await;
    let first = Cluster::migrated().await;
    let (loaded, open) = a_life(&Site::of(&first, &warehouse).await).await;
    first.database.sql("UPDATE cursors SET written_by = NULL").await;
    let second = first.restored().await;
    first.stop().await;
    second.age(3_000).await;
    let site = Site::of(&second, &warehouse).await;
    let fresh = site.events(&["g"]).await;
    let told = ["another PostgreSQL cluster", "will be: 4"];
    site.goes_on_when_told("restored from a dump", &told).await;
    site.holds(&[&loaded, &open, &fresh]).await;
    second.stop().await;
}

/// The transaction that restores a dump may have the same number as one that wrote a row of the dump.
#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_was_restored_by_its_own_number_came_with_the_dump() {
    let warehouse = Server::start().await;
    let first = Cluster::migrated().await;
    first.age(3_000).await;
    a_life(&Site::of(&first, &warehouse).await).await;
    let second = first.restored().await;
    first.stop().await;
    let written =
        "UPDATE events SET xid = CASE WHEN payload->>'is' = 'a' THEN pg_current_xact_id() ELSE xid END";
    second.database.sql(written).await;
    // In this warehouse all rows have expired.
    let emptied = Server::start().await;
    let site = Site::of(&second, &emptied).await;
    let told = ["another PostgreSQL cluster", "rows in BigQuery: 0", "will be: 3"];
    says(&site.adopt(true).await.unwrap(), &told);
    site.flush().await;
    assert_eq!(emptied.ids().await.len(), 3, "what is open or was never in a range");
    second.stop().await;
}

/// Otherwise an upload that began before the adoption and ends after it would load its rows a second time.
#[tokio::test(flavor = "multi_thread")]
async fn the_names_of_open_jobs_are_used_up() {
    let warehouse = Server::start().await;
    let cluster = Cluster::migrated().await;
    let site = Site::of(&cluster, &warehouse).await;
    let loaded = site.events(&["a"]).await;
    site.flush().await;
    warehouse.faults(json!({"http": {"status": 503}})).await;
    let open = site.events(&["b"]).await;
    settled(&cluster.database).await;
    site.flusher.flush().await;
    warehouse.faults(json!({})).await;
    let job: String = cluster.database.value("SELECT job_id FROM loads WHERE loaded_at IS NULL").await;
    cluster.database.sql("UPDATE cursors SET system_identifier = 1").await;
    site.adopt(true).await.unwrap();
    let (status, job) = warehouse.get(&format!("/jobs/{job}")).await;
    assert_eq!((status, &job["statistics"]["load"]["outputRows"]), (StatusCode::OK, &json!("0")), "{job}");
    site.flush().await;
    site.holds(&[&loaded, &open]).await;
    cluster.stop().await;
}
