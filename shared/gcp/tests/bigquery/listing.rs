use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use gcp::bigquery::{Error, ListedState, Reason, Whose};
use serde_json::{Value, json};

use crate::bigquery;
use crate::warehouse::error;

type Asked = Arc<Mutex<Vec<HashMap<String, String>>>>;

/// A server that always gives the same answer, and the queries that it was sent.
async fn answering(status: u16, answer: Value) -> (String, Asked) {
    let asked = Asked::default();
    let reply = async move |State(asked): State<Asked>, Query(query): Query<HashMap<String, String>>| {
        asked.lock().unwrap().push(query);
        (StatusCode::from_u16(status).unwrap(), Json(answer.clone()))
    };
    let project = "/bigquery/v2/projects/eventflow-local";
    let router = Router::new()
        .route(&format!("{project}/jobs"), get(reply.clone()))
        .route(&format!("{project}/datasets/eventflow/tables/events/data"), get(reply))
        .with_state(asked.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { axum::serve(listener, router).await });
    (host, asked)
}

fn job(id: &str, table: &str, state: &str) -> Value {
    json!({
        "jobReference": {"projectId": "eventflow-local", "jobId": id, "location": "EU"},
        "state": state,
        "statistics": {"creationTime": "1700000000000"},
        "configuration": {
            "jobType": "LOAD",
            "labels": {"eventflow_to_xid": "42"},
            "load": {"destinationTable": {
                "projectId": "eventflow-local", "datasetId": "eventflow", "tableId": table,
            }},
        },
    })
}

#[tokio::test]
async fn the_load_jobs_of_this_table_are_listed() {
    let mut failed = job("c", "events", "DONE");
    failed["errorResult"] = json!({"reason": "invalid", "message": "no"});
    let mut query = job("d", "events", "DONE");
    query["configuration"] = json!({"jobType": "QUERY", "query": {"query": "SELECT 1"}});
    let jobs =
        [job("a", "events", "DONE"), job("b", "events", "PENDING"), failed, query, job("e", "other", "DONE")];
    let (host, asked) = answering(200, json!({"jobs": jobs, "nextPageToken": "more"})).await;
    let page = bigquery(host).await.load_jobs(Whose::Ours, Some("here"), 7).await.unwrap();
    let found: Vec<_> = page.items.iter().map(|job| (job.job_id.as_str(), job.state)).collect();
    let wanted = [("a", ListedState::Loaded), ("b", ListedState::Running), ("c", ListedState::Failed)];
    assert_eq!(found, wanted);
    assert_eq!(
        (page.items[0].labels["eventflow_to_xid"].as_str(), page.items[0].created_at),
        ("42", 1_700_000_000_000)
    );
    assert_eq!(page.next.as_deref(), Some("more"));
    let asked = asked.lock().unwrap()[0].clone();
    let wanted = [("projection", "full"), ("maxResults", "7"), ("pageToken", "here")];
    assert_eq!(asked, wanted.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
}

#[tokio::test]
async fn a_project_without_jobs_has_an_empty_list() {
    let (host, asked) = answering(200, json!({"kind": "bigquery#jobList"})).await;
    let page = bigquery(host).await.load_jobs(Whose::Everybodys, None, 7).await.unwrap();
    assert!(page.items.is_empty() && page.next.is_none());
    assert_eq!(asked.lock().unwrap()[0]["allUsers"], "true");
}

#[tokio::test]
async fn a_column_is_read_in_pages() {
    let rows = json!([{"f": [{"v": "x"}]}, {"f": [{"v": null}]}, {"f": [{"v": "y"}]}]);
    let (host, asked) = answering(200, json!({"totalRows": "9", "rows": rows, "pageToken": "more"})).await;
    let page = bigquery(host).await.column("id", None).await.unwrap();
    assert_eq!((page.items, page.next.as_deref()), (vec!["x".to_owned(), "y".to_owned()], Some("more")));
    assert_eq!(asked.lock().unwrap()[0]["selectedFields"], "id");
    let (host, _) = answering(200, json!({"totalRows": "0"})).await;
    assert!(bigquery(host).await.column("id", None).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn a_refusal_says_why() {
    let (host, _) = answering(403, error(403, "accessDenied", "Access Denied: why")).await;
    let refused = bigquery(host).await.load_jobs(Whose::Everybodys, None, 7).await.unwrap_err();
    assert!(
        matches!(&refused, Error::Refused { status: 403, reason: Reason::Access, message } if message == "Access Denied: why"),
        "{refused}"
    );
}
