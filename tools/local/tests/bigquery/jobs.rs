//! Jobs: their IDs, their states, and their locations.

use serde_json::{Value, json};

use crate::client::{Server, error, job, job_with};

const ROW: &str = "{\"id\":\"1\"}\n";

#[tokio::test]
async fn a_job_goes_from_pending_to_done() {
    let server = Server::with_table().await;
    server.faults(json!({"jobRunningMs": 1500})).await;
    let answer = server.upload(&job("slow"), ROW).await;
    let accepted: Value = answer.json().await.unwrap();
    assert_eq!(accepted["status"], json!({"state": "PENDING"}));
    while server.get("/jobs/slow").await.1["status"] != json!({"state": "RUNNING"}) {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert!(server.ids().await.is_empty());

    let done = server.ended(&accepted["jobReference"]).await;

    assert_eq!(done["status"], json!({"state": "DONE"}));
    assert_eq!(done["id"], "p:US.slow");
    assert_eq!(done["configuration"]["labels"], json!({"range": "17"}));
    assert_eq!(done["configuration"]["jobType"], "LOAD");
    let time = |name: &str| -> i64 { done["statistics"][name].as_str().unwrap().parse().unwrap() };
    assert!(time("creationTime") < time("startTime") && time("startTime") < time("endTime"));
}

#[tokio::test]
async fn an_id_is_used_up_for_ever() {
    let server = Server::with_table().await;
    server.load(&job("good"), ROW).await;
    server.load(&job("bad"), "{}\n").await;
    for id in ["good", "bad"] {
        let again = error(server.upload(&job(id), ROW).await).await;
        let said = format!("Already Exists: Job p:US.{id}");
        assert_eq!(again, (409, "duplicate".to_owned(), said));
    }
    assert_eq!(server.ids().await.len(), 1);
}

#[tokio::test]
async fn a_job_without_an_id_gets_one() {
    let server = Server::with_table().await;
    let mut job = job("");
    job.as_object_mut().unwrap().remove("jobReference");
    let (first, second) = (server.load(&job, ROW).await, server.load(&job, ROW).await);
    assert_ne!(first["jobReference"]["jobId"], second["jobReference"]["jobId"]);
}

#[tokio::test]
async fn outside_the_multi_regions_a_job_is_found_by_its_location_alone() {
    let server = Server::with_table_in("europe-west3").await;
    let accepted = server.load(&job("far"), ROW).await;
    assert_eq!(accepted["jobReference"]["location"], "europe-west3", "it is the dataset's");
    for (query, status) in
        [("", 404), ("?location=US", 404), ("?location=europe-west3", 200), ("?location=EUROPE-WEST3", 200)]
    {
        let (answered, body) = server.get(&format!("/jobs/far{query}")).await;
        assert_eq!(answered, status, "{query}: {body}");
    }
}

#[tokio::test]
async fn a_multi_region_needs_no_location() {
    let server = Server::with_table_in("eu").await;
    server.load(&job("near"), ROW).await;
    assert_eq!(server.get("/jobs/near").await.0, 200);
    assert_eq!(server.get("/jobs/near?location=EU").await.0, 200);
    let (status, body) = server.get("/jobs/near?location=US").await;
    assert_eq!((status.as_u16(), &body["error"]["message"]), (404, &json!("Not found: Job p:near")));
}

#[tokio::test]
async fn a_job_in_the_wrong_location_is_refused() {
    let server = Server::with_table_in("europe-west3").await;
    let mut job = job("astray");
    job["jobReference"]["location"] = "US".into();
    let (status, _, message) = error(server.upload(&job, ROW).await).await;
    assert_eq!(status, 404);
    assert_eq!(message, "Not found: Dataset p:d was not found in location US");
}

#[tokio::test]
async fn jobs_are_listed_newest_first_in_pages() {
    let server = Server::with_table().await;
    for i in 0..5 {
        server.load(&job(&format!("job-{i}")), if i == 3 { "{}\n" } else { ROW }).await;
    }
    let mut ids = Vec::new();
    let mut token = String::new();
    loop {
        let (_, page) = server.get(&format!("/jobs?maxResults=2{token}")).await;
        let jobs = page["jobs"].as_array().unwrap();
        assert!(jobs.len() <= 2);
        assert!(jobs.iter().all(|job| job.get("configuration").is_none()));
        ids.extend(jobs.iter().map(|job| job["jobReference"]["jobId"].clone()));
        match page["nextPageToken"].as_str() {
            Some(next) => token = format!("&pageToken={next}"),
            None => break,
        }
    }
    assert_eq!(ids, ["job-4", "job-3", "job-2", "job-1", "job-0"]);
    let (_, page) = server.get("/jobs?projection=full").await;
    assert_eq!(page["jobs"][1]["configuration"]["labels"], json!({"range": "17"}));
    assert_eq!(page["jobs"][1]["errorResult"]["reason"], "invalid");
    assert_eq!(page["jobs"][1]["state"], "DONE");
    let (_, page) = server.get("/jobs?stateFilter=pending").await;
    assert_eq!(page["jobs"], json!([]));
    assert_eq!(server.get("/jobs?pageToken=nonsense").await.0, 400);
}

#[tokio::test]
async fn a_table_takes_so_many_loads_a_day_and_failed_ones_count() {
    let server = Server::with_table().await;
    server.faults(json!({"loadsPerTablePerDay": 2})).await;
    server.load(&job("bad"), "{}\n").await;
    server.load(&job("good"), ROW).await;

    for id in ["third", "fourth"] {
        let refused = server.load(&job(id), ROW).await;
        assert_eq!(refused["status"]["errorResult"]["reason"], "quotaExceeded");
    }
    server.faults(json!({"loadsPerTablePerDay": 3})).await;
    let taken = server.load(&job("fifth"), ROW).await;

    assert_eq!(taken["status"], json!({"state": "DONE"}), "what the quota refused is no load");
    let other = json!({"projectId": "p", "datasetId": "d", "tableId": "other"});
    let other = server.load(&job_with("other", "destinationTable", other), ROW).await;
    assert_eq!(other["status"]["errorResult"]["reason"], "notFound", "quotas are a table's own");
}

#[tokio::test]
async fn a_job_without_an_upload_is_not_done_here() {
    let server = Server::with_table().await;
    let query = json!({"configuration": {"query": {"query": "SELECT 1"}}});
    let (status, reason, _) = error(server.post("/jobs", &query).await).await;
    assert_eq!((status, reason.as_str()), (501, "notImplemented"));
}
