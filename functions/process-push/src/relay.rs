use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use door::openapi::Refusals;
use gcp::Message;
use serde::Serialize;
use service::Problem;
use store::{Error, Overdue};
use tokio::time::Instant;
use utoipa::ToSchema;

use crate::Processor;
use crate::push::unavailable;

#[derive(Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Relayed {
    published: usize,
    /// What Pub/Sub did not take: it is due again.
    not_published: usize,
    /// The limit of a call, in pages or in time, came before the end of what was due.
    more: bool,
}

/// Publish again what is overdue
///
/// Oldest first, a page at a time and within the limits of a call. The counts are folded too.
#[utoipa::path(
    post,
    path = "/relay",
    operation_id = "relay",
    tag = "scheduler",
    responses(
        Refusals,
        (status = 200, body = Relayed, description = "How many"),
    ),
)]
pub(crate) async fn post(State(processor): State<Arc<Processor>>) -> Result<Json<Relayed>, Problem> {
    let relayed = relay(&processor).await.map_err(|error| unavailable(&error))?;
    if relayed.published + relayed.not_published > 0 {
        let Relayed { published, not_published, more } = relayed;
        tracing::info!(published, not_published, more, "relayed what was overdue");
    }
    match processor.store.fold_totals().await {
        // What is relayed does not depend on the counts.
        Err(Error::Foreign(why)) => tracing::error!(why, "the counts stand still"),
        folded => folded.map_err(|error| unavailable(&error))?,
    }
    Ok(Json(relayed))
}

async fn relay(processor: &Processor) -> Result<Relayed, Error> {
    let settings = &processor.settings;
    let deadline = Instant::now() + settings.relay_limit;
    let mut relayed = Relayed::default();
    for page in 1.. {
        let is_enough = page == settings.relay_pages;
        let page = processor.store.take_overdue(settings.relay_page, settings.due_step).await?;
        let is_last = page.len() < settings.relay_page as usize;
        let taken = page.len();
        service::fault::point("in-relay-page");
        let refused = publish(processor, page).await;
        relayed.published += taken - refused.len();
        relayed.not_published += refused.len();
        let failing = !refused.is_empty();
        processor.store.give_back(refused).await?;
        if is_last || failing {
            break;
        }
        if is_enough || Instant::now() >= deadline {
            relayed.more = true;
            break;
        }
    }
    Ok(relayed)
}

/// No transaction is open meanwhile. Returns what Pub/Sub did not take.
async fn publish(processor: &Processor, page: Vec<Overdue>) -> Vec<Overdue> {
    let messages = page.iter().map(|event| Message {
        event_id: event.id.to_string(),
        event_type: event.event_type.clone(),
        traceparent: None,
    });
    let results = processor.publisher.publish(messages.collect()).await;
    page.into_iter().zip(results).filter(|(_, result)| result.is_err()).map(|(event, _)| event).collect()
}
