use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::place::{PATIENCE, Place};
use crate::report::Report;
use crate::{Error, key};

pub(crate) async fn all(place: &mut Place, report: &mut Report) {
    refusals(place, report).await;
    let key = key::made(place, report).await;
    events(place, report).await;
    if let Some(id) = key {
        report.keep("the key is revoked, and opens no more", key::revoked(place, &id).await, took);
    }
}

async fn events(place: &Place, report: &mut Report) {
    let good = report.keep("an event is taken", sent(place, &json!({"end":"well"})).await, Clone::clone);
    // This event dies only once. Its replay succeeds, so that no dead event is left behind.
    let dead = report.keep(
        "an event that will die is taken",
        sent(place, &json!({"end":"dead"})).await,
        Clone::clone,
    );
    if let Some(id) = &good {
        report.keep("it is PROCESSED", until(place, id, "PROCESSED").await, took);
    }
    if let Some(id) = &dead
        && report.keep("the other is DEAD_LETTER", until(place, id, "DEAD_LETTER").await, took).is_some()
    {
        report.keep("it is among the failed", among_failed(place, id).await, |()| String::new());
        report.keep("its replay is PROCESSED", replayed(place, id).await, took);
    }
    report.keep("a flush runs", place.flush().await, |()| String::new());
    for id in [good, dead].into_iter().flatten() {
        report.keep("it is one row in BigQuery", in_bigquery(place, &id).await, took);
    }
}

/// In the cloud, push and flush are closed to the internet and Google's own 404 answers, and admin requires an
/// identity.
async fn refusals(place: &Place, report: &mut Report) {
    let inner = if place.is_laptop() { StatusCode::UNAUTHORIZED } else { StatusCode::NOT_FOUND };
    let doors = [
        ("push refuses a stranger", Method::POST, format!("{}/push", place.process_push)),
        ("flush refuses a stranger", Method::POST, format!("{}/flush", place.bq_flush)),
    ];
    for (what, method, url) in doors {
        let status = place.anonymous(method, url).await.and_then(|status| expect(status, &[inner]));
        report.keep(what, status, ToString::to_string);
    }
    let status = place.anonymous(Method::GET, format!("{}/admin/metrics", place.admin)).await;
    if place.is_laptop() && matches!(status, Ok(StatusCode::OK)) {
        report.keep("admin is open on this laptop", status, |_| "ADMIN_AUTH=off".into());
        return;
    }
    // Cloud Run answers 403. Identity-Aware Proxy answers 302 or 401.
    let wanted: &[_] = if place.is_laptop() {
        &[StatusCode::UNAUTHORIZED]
    } else {
        &[StatusCode::FORBIDDEN, StatusCode::FOUND, StatusCode::UNAUTHORIZED]
    };
    report.keep(
        "admin refuses a stranger",
        status.and_then(|status| expect(status, wanted)),
        ToString::to_string,
    );
}

fn expect(status: StatusCode, wanted: &[StatusCode]) -> Result<StatusCode, Error> {
    if wanted.contains(&status) { Ok(status) } else { Err(format!("{status}, and not {wanted:?}").into()) }
}

/// Sends an event of the type that every processor knows, whatever handlers it has.
pub(crate) async fn sent(place: &Place, payload: &Value) -> Result<String, Error> {
    let event = json!({"eventType":"eventflow.smoke","payload":payload,"metadata":{"source":"smoke"}});
    let answer = place.to_ingest(&event).await?;
    Ok(answer["eventId"].as_str().ok_or_else(|| format!("no eventId in {answer}"))?.to_owned())
}

/// Returns the time that it took.
async fn until(place: &Place, id: &str, status: &str) -> Result<Duration, Error> {
    let start = Instant::now();
    loop {
        let event = place.to_admin(Method::GET, &format!("/admin/events/{id}")).await?;
        if event["status"] == status {
            return Ok(start.elapsed());
        }
        if start.elapsed() > PATIENCE {
            return Err(format!("{id} is {} after {PATIENCE:?}, and not {status}", event["status"]).into());
        }
        sleep(Duration::from_millis(200)).await;
    }
}

async fn among_failed(place: &Place, id: &str) -> Result<(), Error> {
    let failed = place.to_admin(Method::GET, "/admin/events/failed?limit=200").await?;
    let found =
        failed["events"].as_array().is_some_and(|events| events.iter().any(|event| event["id"] == id));
    if found { Ok(()) } else { Err(format!("{id} is not there").into()) }
}

async fn replayed(place: &Place, id: &str) -> Result<Duration, Error> {
    place.to_admin(Method::POST, &format!("/admin/events/{id}/replay")).await?;
    until(place, id, "PROCESSED").await
}

async fn in_bigquery(place: &Place, id: &str) -> Result<Duration, Error> {
    let start = Instant::now();
    loop {
        let found = place.rows_of(id).await;
        match found {
            Ok(1) => return Ok(start.elapsed()),
            Ok(rows) if rows > 1 => return Err(format!("{id} is there {rows} times").into()),
            _ if start.elapsed() > PATIENCE => {
                return Err(format!("{id} is not there after {PATIENCE:?}: {found:?}").into());
            }
            _ => sleep(Duration::from_secs(1)).await,
        }
    }
}

pub(crate) fn took(time: &Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
