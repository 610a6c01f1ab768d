use std::time::Duration;

use chrono::{SecondsFormat, TimeDelta, Utc};
use reqwest::Method;
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::Error;
use crate::place::Place;
use crate::report::Report;

/// The key expires after this time, in case it is never revoked.
const LASTS: TimeDelta = TimeDelta::hours(1);
/// Each instance looks for revoked keys every few seconds.
const REVOCATION: Duration = Duration::from_secs(30);

/// Makes a key and returns its id, if ingest requires one and none was given.
pub(crate) async fn made(place: &mut Place, report: &mut Report) -> Option<String> {
    match place.lacks_key().await {
        Ok(false) => return None,
        Ok(true) => {}
        Err(error) => return report.keep::<String>("ingest answers", Err(error), Clone::clone),
    }
    let expires_at = (Utc::now() + LASTS).to_rfc3339_opts(SecondsFormat::Secs, true);
    let wish = json!({"name":"smoke","eventTypes":["eventflow."],"expiresAt":expires_at});
    let made = place.give_admin("/admin/keys", &wish).await.and_then(|answer| {
        let text =
            |name| answer[name].as_str().map(str::to_owned).ok_or_else(|| format!("no {name} in the answer"));
        Ok((text("id")?, text("key")?))
    });
    let (id, key) = report.keep("an API key is made", made, |(id, _)| id.clone())?;
    place.take_key(key);
    Some(id)
}

/// Returns the time that it took.
pub(crate) async fn revoked(place: &Place, id: &str) -> Result<Duration, Error> {
    place.to_admin(Method::DELETE, &format!("/admin/keys/{id}")).await?;
    let start = Instant::now();
    while !place.is_refused().await? {
        if start.elapsed() > REVOCATION {
            return Err(format!("it still opens after {REVOCATION:?}").into());
        }
        sleep(Duration::from_millis(500)).await;
    }
    Ok(start.elapsed())
}
