use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use door::openapi::Refusals;
use event::EventId;
use gcp::Message;
use serde::Serialize;
use service::Problem;
use store::{Error, Overdue, Undelivered};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tracing::Instrument;
use utoipa::ToSchema;

use crate::Processor;
use crate::push::unavailable;

#[derive(Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Relayed {
    /// Events whose message was published again.
    published: usize,
    /// Events that the call ran itself, because Pub/Sub had not delivered them in time.
    ran: usize,
    /// Events that are due again, because Pub/Sub accepted no message and the call had run as many as it may.
    not_published: usize,
    /// The call reached its limit, in pages or in time, before the end of the overdue events.
    more: bool,
    /// How many seconds nothing has happened to the event that waits longest, of those that were overdue.
    longest_wait: u64,
}

/// Publish or run overdue events
///
/// The oldest events come first, a page at a time. An overdue event is published again. The call itself runs an event
/// that was published again and is overdue once more, or that no delivery has reached within seconds. Limits: 50,000
/// events published and 2,000 run in about 20 seconds, and then as long as the handlers that it began. The counts are
/// folded too.
#[utoipa::path(
    post,
    path = "/relay",
    operation_id = "relay",
    tag = "scheduler",
    responses(
        Refusals,
        (status = 200, body = Relayed, description = "The number of events"),
    ),
)]
pub(crate) async fn post(State(processor): State<Arc<Processor>>) -> Result<Json<Relayed>, Problem> {
    let mut runs = Runs::new(processor.clone());
    let mut relayed = relay(&processor, &mut runs).await.map_err(|error| unavailable(&error))?;
    match processor.store.fold_totals().await {
        // The relayed events do not depend on the counts.
        Err(Error::Foreign(why)) => tracing::error!(why, "the counts stand still"),
        folded => folded.map_err(|error| unavailable(&error))?,
    }
    relayed.ran = runs.wait().await.map_err(|error| unavailable(&error))?;
    if relayed.published + relayed.ran + relayed.not_published > 0 {
        let Relayed { published, ran, not_published, more, longest_wait } = relayed;
        tracing::info!(published, ran, not_published, more, longest_wait, "relayed what was overdue");
    }
    Ok(Json(relayed))
}

async fn relay(processor: &Processor, runs: &mut Runs) -> Result<Relayed, Error> {
    let settings = &processor.settings;
    let mut relayed = Relayed::default();
    // Undelivered events come first, because events that failed before could fill all slots. If all slots are busy
    // anyway, the messages of Pub/Sub are not late but waiting.
    if processor.slots.available_permits() > 0 {
        let which = Undelivered {
            for_at_least: settings.retries.push_grace,
            // An older event is run once it was published again and is overdue once more.
            for_at_most: settings.first_due.max(settings.retries.push_grace * 2),
            limit: runs.left,
        };
        runs.start_undelivered(processor.store.undelivered(which).await?);
    }
    for page in 1.. {
        let is_enough = page == settings.relay_pages;
        let page = processor.store.take_overdue(settings.relay_page, settings.due_step).await?;
        let is_last = page.len() < settings.relay_page as usize;
        let longest =
            page.iter().map(|event| Duration::try_from_secs_f64(event.waited).unwrap_or_default()).max();
        relayed.longest_wait = relayed.longest_wait.max(longest.unwrap_or_default().as_secs());
        service::fault::point("in-relay-page");
        let (stalled, mut others): (Vec<_>, Vec<_>) = page.into_iter().partition(|event| event.is_stalled);
        others.extend(runs.start(stalled));
        let taken = others.len();
        let refused = publish(processor, others).await;
        let failing = !refused.is_empty();
        relayed.published += taken - refused.len();
        let left = runs.start(refused);
        relayed.not_published += left.len();
        processor.store.give_back(left).await?;
        if is_last || failing {
            break;
        }
        if is_enough || Instant::now() >= runs.deadline {
            relayed.more = true;
            break;
        }
    }
    Ok(relayed)
}

/// The longest wait of a run for a slot. A call that lasts long delays the events that the next call would look for
/// first.
const SLOT_WAIT: Duration = Duration::from_secs(1);

/// The attempts that a call runs itself. They continue if the call is cut off, and the drain waits for them.
struct Runs {
    processor: Arc<Processor>,
    deadline: Instant,
    /// The number of runs that may still begin.
    left: usize,
    begun: Vec<JoinHandle<Run>>,
}

enum Run {
    Ran,
    /// Another process had the event by then, or the event had ended.
    NotOurs,
    /// The run found no slot in time, or no database.
    Refused(Option<Overdue>),
}

impl Runs {
    fn new(processor: Arc<Processor>) -> Self {
        let deadline = Instant::now() + processor.settings.relay_limit;
        let left = processor.settings.relay_runs;
        Self { processor, deadline, left, begun: Vec::new() }
    }

    /// Begins as many runs as it may, and returns the other events.
    fn start(&mut self, mut overdue: Vec<Overdue>) -> Vec<Overdue> {
        let others = overdue.split_off(overdue.len().min(self.left));
        for event in overdue {
            self.begin(event.id, Some(event));
        }
        others
    }

    fn start_undelivered(&mut self, ids: Vec<EventId>) {
        for id in ids {
            self.begin(id, None);
        }
    }

    fn begin(&mut self, id: EventId, overdue: Option<Overdue>) {
        self.left = self.left.saturating_sub(1);
        let processor = self.processor.clone();
        let run = async move {
            match processor.attempt(id, None, SLOT_WAIT).await {
                Ok(event::Delivery::Claimed(_)) => Run::Ran,
                Ok(_) => Run::NotOurs,
                Err(_) => Run::Refused(overdue),
            }
        };
        // The trace is known once the event is claimed. The span has the highest level, like the span of a request.
        let span = tracing::error_span!("run", event_id = %id, trace = tracing::field::Empty);
        self.begun.push(self.processor.attempts.spawn(run.instrument(span)));
    }

    /// Waits for the runs, and returns how many ran. Cloud Run gives a process its CPU only while a request is open, so
    /// the call waits for the handlers.
    async fn wait(self) -> Result<usize, Error> {
        let (mut ran, mut not_run) = (0, Vec::new());
        for run in self.begun {
            match run.await? {
                Run::Ran => ran += 1,
                Run::NotOurs => {}
                Run::Refused(overdue) => not_run.extend(overdue),
            }
        }
        self.processor.store.give_back(not_run).await?;
        Ok(ran)
    }
}

/// Publishes while no transaction is open. Returns the events that Pub/Sub did not accept.
async fn publish(processor: &Processor, page: Vec<Overdue>) -> Vec<Overdue> {
    let messages = page.iter().map(|event| Message {
        event_id: event.id.to_string(),
        event_type: event.event_type.clone(),
        traceparent: event.trace_id.map(service::traceparent_of),
    });
    let results = processor.publisher.publish(messages.collect()).await;
    page.into_iter().zip(results).filter(|(_, result)| result.is_err()).map(|(event, _)| event).collect()
}
