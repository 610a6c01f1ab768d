//! Sends each example once. The requests have no idempotency key, so an example that may have been stored is not sent
//! again.

use std::{error::Error, time::Duration};

use event::EventId;
use futures::{StreamExt, stream};
use reqwest::{Response, StatusCode};
use serde::Deserialize;
use tokio::time::{Instant, sleep};

use super::{examples::Example, system::System};

const CONCURRENCY: usize = 16;
/// The time that ingest may be away before an example is given up.
const PATIENCE: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(500);
/// The detail with which ingest refuses an event before it tries to store it. After any other failure the event may
/// be stored.
const NOT_TAKEN: &str = "too many events wait to be written";

/// The result of sending one example.
#[derive(Debug, PartialEq)]
pub(super) enum Answer {
    Stored(EventId),
    Refused(String),
    /// The event may have been stored or not.
    Lost(String),
    /// Nothing was stored.
    Unsent(String),
}

/// Sends all examples. Returns each answer with the name of its example.
pub(super) async fn all(system: &System, examples: &[Example], answered: impl Fn()) -> Vec<(String, Answer)> {
    stream::iter(examples)
        .map(|example| async {
            let answer = one(system, example).await;
            answered();
            (example.name(), answer)
        })
        .buffer_unordered(CONCURRENCY)
        .collect()
        .await
}

async fn one(system: &System, example: &Example) -> Answer {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = match system.post(example).await {
            Ok(response) => read(response).await,
            Err(error) if error.is_connect() => Answer::Unsent(root(&error)),
            Err(error) => Answer::Lost(root(&error)),
        };
        if matches!(answer, Answer::Stored(_) | Answer::Refused(_)) {
            return answer;
        }
        // After a lost answer this waits too, because while ingest is away the next answer would be lost as well.
        let back = until_ready(system, deadline).await;
        if !back || matches!(answer, Answer::Lost(_)) {
            return answer;
        }
    }
}

async fn read(response: Response) -> Answer {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Accepted {
        event_id: EventId,
    }
    let status = response.status();
    let body = match response.text().await {
        Ok(body) => body,
        Err(error) => return Answer::Lost(root(&error)),
    };
    if status == StatusCode::CREATED {
        return match serde_json::from_str::<Accepted>(&body) {
            Ok(accepted) => Answer::Stored(accepted.event_id),
            Err(error) => Answer::Lost(format!("a 201 without an eventId: {error}")),
        };
    }
    let detail = detail(&body);
    let told = format!("{status}: {detail}");
    if status.is_client_error() {
        Answer::Refused(told)
    } else if status == StatusCode::SERVICE_UNAVAILABLE && detail == NOT_TAKEN {
        Answer::Unsent(told)
    } else {
        Answer::Lost(told)
    }
}

/// Returns the detail of a problem document, or the whole body if it is not one.
fn detail(body: &str) -> String {
    #[derive(Deserialize)]
    struct Problem {
        detail: String,
    }
    serde_json::from_str(body).map_or_else(|_| body.into(), |problem: Problem| problem.detail)
}

/// Returns whether ingest was ready before the deadline.
async fn until_ready(system: &System, deadline: Instant) -> bool {
    loop {
        sleep(PAUSE).await;
        if Instant::now() >= deadline {
            return false;
        }
        if system.is_ready().await {
            return true;
        }
    }
}

/// Returns the last error of the chain, which names the cause. The errors above it name the URL and the layers.
fn root(error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Response {
        let response = http::Response::builder().status(status);
        response.body(body.to_owned()).unwrap().into()
    }

    async fn problem(status: u16, detail: &str) -> Answer {
        let body = serde_json::json!({ "detail": detail }).to_string();
        read(answer(status, &body)).await
    }

    #[tokio::test]
    async fn only_what_cannot_have_been_stored_may_be_sent_again() {
        let full = problem(503, NOT_TAKEN).await;
        assert!(matches!(full, Answer::Unsent(_)), "{full:?}");
        for (status, detail) in [(503, "the database is not available"), (500, "")] {
            let lost = problem(status, detail).await;
            assert!(matches!(lost, Answer::Lost(_)), "{lost:?}");
        }
        let unreadable = read(answer(201, "{}")).await;
        assert!(matches!(unreadable, Answer::Lost(_)), "{unreadable:?}");
    }

    #[tokio::test]
    async fn a_refusal_tells_why() {
        let refused = problem(413, "the body is too large").await;
        let told = "413 Payload Too Large: the body is too large".to_owned();
        assert_eq!(refused, Answer::Refused(told));
    }

    #[test]
    fn ingest_still_says_it_in_these_words() {
        let ingest = include_str!("../../../../functions/ingest/src/problems.rs");
        assert!(ingest.contains(NOT_TAKEN));
    }
}
