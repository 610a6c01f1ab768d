use std::time::Duration;

use axum::http::StatusCode;
use serde_json::{Value, json};
use store::testing::Database;
use store::{Cut, FlusherLease, Load, Numbers, PutOff, Xid};

use crate::harness::Service;
use crate::told;

/// A flusher that only writes the ledger.
struct Flusher<'a> {
    database: &'a Database,
    lease: FlusherLease,
}

impl<'a> Flusher<'a> {
    async fn of(database: &'a Database) -> Self {
        let lease = FlusherLease { holder: uuid::Uuid::new_v4(), lasts: Duration::from_hours(1) };
        assert!(database.store.hold_flusher_lease(lease).await.unwrap());
        Self { database, lease }
    }

    /// Closes a range of all events since the last one. It waits, because transactions of other tests hold a range
    /// open.
    async fn close(&self) -> Load {
        let store = &self.database.store;
        for _ in 0..500 {
            let settled =
                "SELECT coalesce(max(xid), '0') < pg_snapshot_xmin(pg_current_snapshot()) FROM events";
            if self.database.value(settled).await {
                let closed =
                    store.close_range(self.lease, Xid(u64::MAX), 1000, 1 << 30, Numbers::Exact).await;
                return closed.unwrap().unwrap();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("a transaction on this server is open for more than ten seconds");
    }

    async fn begin(&self, load: &Load) {
        self.database.store.begin_load_job(self.lease, load, 1000).await.unwrap();
    }

    async fn loaded(&self) -> Load {
        let load = self.close().await;
        self.begin(&load).await;
        self.database.store.mark_loaded(self.lease, &load, 42).await.unwrap().unwrap();
        load
    }

    async fn put_off(&self, load: &Load) {
        let why = PutOff {
            reason: "Backend".into(),
            message: "try again".into(),
            job_over: true,
            first_wait: Duration::from_mins(1),
            longest_wait: Duration::from_mins(1),
        };
        assert!(self.database.store.put_off_load(self.lease, load, why).await.unwrap());
    }
}

impl Service {
    async fn loads(&self, query: &str) -> (Vec<i64>, Value) {
        let page = self.found(&format!("/admin/loads?{query}")).await;
        let loads = page["loads"].as_array().unwrap().iter();
        (loads.map(|load| load["id"].as_i64().unwrap()).collect(), page["nextCursor"].clone())
    }
}

#[tokio::test]
async fn a_load_is_shown_with_why_it_waits_and_with_all_of_its_jobs() {
    let service = Service::start().await;
    assert_eq!(service.found("/admin/loads").await, json!({ "loads": [], "nextCursor": null }));
    service.event("a", "{}").await;
    service.event("a", "{}").await;
    let flusher = Flusher::of(&service.database).await;
    let load = flusher.close().await;
    flusher.begin(&load).await;
    flusher.put_off(&load).await;
    let renewed = service.database.store.renew_load_job(flusher.lease, &load).await.unwrap().unwrap();
    flusher.begin(&renewed).await;
    flusher.put_off(&renewed).await;
    let page = service.found("/admin/loads").await;
    insta::assert_json_snapshot!(page["loads"][0], {
        ".createdAt" => insta::dynamic_redaction(told::time),
        ".retryAt" => insta::dynamic_redaction(told::time),
        ".jobId" => "[job]",
        ".**.transactionId" => "[xid]",
    }, @r#"
    {
      "bytes": null,
      "changed": 0,
      "createdAt": "[time]",
      "depth": 0,
      "failure": "try again",
      "failures": 2,
      "from": {
        "id": "00000000-0000-0000-0000-000000000000",
        "transactionId": "[xid]"
      },
      "id": 1,
      "jobId": "[job]",
      "loadedAt": null,
      "numbers": "exact",
      "ofRejects": false,
      "reason": "Backend",
      "retryAt": "[time]",
      "rows": 2,
      "status": "OPEN",
      "to": {
        "id": "00000000-0000-0000-0000-000000000000",
        "transactionId": "[xid]"
      },
      "uploads": 1
    }
    "#);
    let mut whole = service.found(&format!("/admin/loads/{}", load.id)).await;
    let jobs = whole["jobs"].take();
    assert_eq!(whole["jobId"], renewed.job_id);
    assert_eq!(whole["from"]["transactionId"], load.from_xid.0.to_string());
    assert_eq!(whole["to"]["transactionId"], load.to_xid.0.to_string());
    insta::assert_json_snapshot!(jobs, {
        "[].endedAt" => insta::dynamic_redaction(told::time),
        "[].madeAt" => insta::dynamic_redaction(told::time),
        "[].jobId" => "[job]",
    }, @r#"
    [
      {
        "endedAt": "[time]",
        "jobId": "[job]",
        "madeAt": "[time]",
        "message": "try again",
        "reason": "Backend"
      },
      {
        "endedAt": "[time]",
        "jobId": "[job]",
        "madeAt": "[time]",
        "message": "try again",
        "reason": "Backend"
      }
    ]
    "#);
    assert_eq!((&jobs[0]["jobId"], &jobs[1]["jobId"]), (&json!(load.job_id), &json!(renewed.job_id)));
}

#[tokio::test]
async fn a_status_is_asked_for() {
    let service = Service::start().await;
    let flusher = Flusher::of(&service.database).await;
    service.event("a", "{}").await;
    let loaded = flusher.loaded().await;
    service.event("a", "{}").await;
    let open = flusher.close().await;
    service.event("a", "{}").await;
    let rejected = flusher.close().await;
    flusher.begin(&rejected).await;
    let store = &service.database.store;
    assert!(store.reject_load(flusher.lease, &rejected, "too deep".into()).await.unwrap());
    for (status, load) in [("OPEN", &open), ("LOADED", &loaded), ("REJECTED", &rejected)] {
        let page = service.found(&format!("/admin/loads?status={status}")).await;
        let told = &page["loads"][0];
        assert_eq!((page["loads"].as_array().unwrap().len(), &told["id"]), (1, &json!(load.id)), "{status}");
        assert_eq!((&told["status"], told["loadedAt"].is_null()), (&json!(status), status == "OPEN"));
        assert_eq!(told["bytes"], if status == "LOADED" { json!(42) } else { Value::Null });
        assert_eq!(told["failure"], if status == "REJECTED" { json!("too deep") } else { Value::Null });
    }
    assert_eq!(service.loads("").await.0, [rejected.id, open.id, loaded.id]);
}

/// The parts of a range that was cut are listed in its place.
#[tokio::test]
async fn pages_walk_through_everything_once_the_newest_ranges_first() {
    let service = Service::start().await;
    let flusher = Flusher::of(&service.database).await;
    let mut batch = Vec::new();
    for _ in 0..2 {
        batch.push(service.event("a", "{}").await);
    }
    let cut = flusher.close().await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        service.event("a", "{}").await;
        ids.push(flusher.loaded().await.id);
    }
    flusher.begin(&cut).await;
    flusher.put_off(&cut).await;
    let store = &service.database.store;
    let middle = store.middle_of_load(&cut).await.unwrap().unwrap();
    let why = Cut::Search { why: "a row does not fit".into() };
    assert!(store.split_load(flusher.lease, &cut, &[middle], why).await.unwrap());
    service.get(&format!("/admin/loads/{}", cut.id)).await.problem(StatusCode::NOT_FOUND);
    let all = service.loads("").await.0;
    let parts = &all[3..];
    assert_eq!((&all[..3], parts.len()), (&[ids[2], ids[1], ids[0]][..], 2));
    assert!(parts[0] > parts[1] && parts[1] > ids[2], "newer numbers, and an older time: {all:?}");
    let part = service.found(&format!("/admin/loads/{}", parts[0])).await;
    assert_eq!(
        (&part["depth"], &part["failure"], &part["jobs"]),
        (&json!(1), &json!("a row does not fit"), &json!([]))
    );
    for status in ["", "status=OPEN&", "status=LOADED&"] {
        let expected = service.loads(status.trim_end_matches('&')).await.0;
        let (mut seen, mut query) = (Vec::new(), format!("{status}limit=1"));
        loop {
            let (ids, next) = service.loads(&query).await;
            seen.extend(ids);
            match next.as_str() {
                Some(cursor) => query = format!("{status}limit=1&cursor={cursor}"),
                None => break,
            }
        }
        assert_eq!(seen, expected, "{status}");
    }
    let at = service.found(&format!("/admin/loads/{}", ids[0])).await;
    let micros = format!(
        "SELECT to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') FROM loads WHERE id = {}",
        at["id"]
    );
    let at: String = service.database.value(&micros).await;
    for status in ["", "&status=LOADED"] {
        assert_eq!(service.loads(&format!("since={at}{status}")).await.0, [ids[2], ids[1], ids[0]]);
        let before = service.loads(&format!("until={at}{status}")).await.0;
        assert_eq!(before, if status.is_empty() { parts.to_vec() } else { Vec::new() });
    }
}

#[tokio::test]
async fn what_cannot_be_asked_for_is_told_by_name() {
    let service = Service::start().await;
    let queries = ["status=open", "status=", "since=yesterday", "cursor=x", "limit=201", "jobId=a"];
    insta::assert_snapshot!(service.refusals("/admin/loads", &queries).await, @r"
    status=open | status | status must be one of OPEN, LOADED, REJECTED
    status= | status | status must be one of OPEN, LOADED, REJECTED
    since=yesterday | since | since must be a time such as 2026-01-31T12:00:00Z (RFC 3339)
    cursor=x | cursor | cursor must be a nextCursor of an earlier page
    limit=201 | limit | limit must be a number from 1 to 200
    jobId=a | jobId | jobId is not known here; there are status, since, until, cursor, limit
    ");
    let problem = service.get("/admin/loads/7").await.problem(StatusCode::NOT_FOUND);
    assert_eq!(problem["detail"], "there is no load 7");
    let problem = service.get("/admin/loads/seven").await.problem(StatusCode::BAD_REQUEST);
    assert_eq!(
        (&problem["field"], &problem["detail"]),
        (&json!("id"), &json!("id must be a number from 1 on"))
    );
}
