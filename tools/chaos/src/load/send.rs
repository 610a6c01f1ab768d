use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use event::EventId;
use rand::Rng;
use reqwest::StatusCode;
use serde::Deserialize;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use super::journal::Line;
use super::{Planned, Shared};
use crate::Error;

const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE_MILLIS: std::ops::Range<u64> = 100..1_000;
/// The percentage of events that are sent once more after their answer.
const AGAIN: u32 = 3;

enum Answer {
    Accepted(EventId),
    /// The event may have been stored or not. Another request with the same key tells which.
    None,
    Refused(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Accepted {
    event_id: EventId,
}

pub(super) async fn until_answered(shared: Arc<Shared>, event: Planned) {
    if let Err(error) = try_until_answered(&shared, event).await {
        let mut wrong = shared.wrong.lock().await;
        wrong.get_or_insert(format!("event {}: {error}", event.number));
    }
}

async fn try_until_answered(shared: &Shared, event: Planned) -> Result<(), Error> {
    let key = Uuid::new_v4();
    shared.journal.write(Line::Intent { event, key }).await?;
    let Some(id) = insist(shared, event, key).await? else { return Ok(()) };
    shared.journal.write(Line::Answered { number: event.number, id }).await?;
    shared.answered.fetch_add(1, Ordering::Relaxed);
    if rand::rng().random_ratio(AGAIN, 100)
        && let Some(second) = insist(shared, event, key).await?
        && second != id
    {
        return Err(format!("the same key was answered with {id} and with {second}").into());
    }
    Ok(())
}

/// Returns None if the run ended before there was an answer.
async fn insist(shared: &Shared, event: Planned, key: Uuid) -> Result<Option<EventId>, Error> {
    while !shared.give_up.is_cancelled() {
        match attempt(shared, event, key).await {
            Answer::Accepted(id) => return Ok(Some(id)),
            Answer::Refused(why) => {
                shared.journal.write(Line::Refused { number: event.number, why: why.clone() }).await?;
                return Err(format!("it was refused: {why}").into());
            }
            Answer::None => {
                let pause = rand::rng().random_range(PAUSE_MILLIS);
                sleep(Duration::from_millis(pause)).await;
            }
        }
    }
    Ok(None)
}

async fn attempt(shared: &Shared, event: Planned, key: Uuid) -> Answer {
    let patience = if shared.impatient.load(Ordering::Relaxed) && rand::rng().random_bool(0.5) {
        Duration::from_millis(rand::rng().random_range(1..200))
    } else {
        PATIENCE
    };
    let request = shared.client.post(&shared.url).header("Idempotency-Key", key.to_string());
    let exchange = async {
        let response = request.json(&event.body()).send().await?;
        Ok::<_, reqwest::Error>((response.status(), response.bytes().await?))
    };
    let Ok(Ok((status, body))) = timeout(patience, exchange).await else { return Answer::None };
    match status {
        StatusCode::CREATED => match serde_json::from_slice::<Accepted>(&body) {
            Ok(accepted) => Answer::Accepted(accepted.event_id),
            Err(error) => Answer::Refused(format!("a 201 that cannot be read: {error}")),
        },
        StatusCode::SERVICE_UNAVAILABLE => Answer::None,
        // No other status is a right answer to a valid event, whatever part is away.
        other => Answer::Refused(format!("{other}: {}", String::from_utf8_lossy(&body))),
    }
}
