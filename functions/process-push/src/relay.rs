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
    /// Events that the call ran itself, since Pub/Sub had not delivered them in time.
    ran: usize,
    /// Events that are due again, since Pub/Sub took no message and the call had run as many as it may.
    not_published: usize,
    /// The limit of a call, in pages or in time, came before the end of what was due.
    more: bool,
    /// How many seconds nothing has happened to the event that waits longest, of those that were overdue.
    longest_wait: u64,
}

/// Bring back what is overdue
///
/// Oldest first, a page at a time. An overdue event is published again; one that was published again and is overdue once more, or that
/// no delivery has reached within seconds, is run by the call itself. Limits: 50,000 events published and 2,000 run in about 20 seconds,
/// and then as long as the handlers that it began. The counts are folded too.
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
    let mut runs = Runs::new(processor.clone());
    let mut relayed = relay(&processor, &mut runs).await.map_err(|error| unavailable(&error))?;
    match processor.store.fold_totals().await {
        // What is relayed does not depend on the counts.
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
    // They come first, since those that failed before could fill all slots. Where all are busy as it is, Pub/Sub's messages are not
    // late but waiting.
    if processor.slots.available_permits() > 0 {
        let which = Undelivered {
            for_at_least: settings.retries.push_grace,
            // Behind that, what was published again and is overdue once more is run.
            for_at_most: settings.first_due.max(settings.retries.push_grace * 2),
            limit: runs.left,
        };
        runs.start_undelivered(processor.store.undelivered(which).await?);
    }
    for page in 1.. {
        let is_enough = page == settings.relay_pages;
        let page = processor.store.take_overdue(settings.relay_page, settings.due_step).await?;
        let is_last = page.len() < settings.relay_page as usize;
        let longest = page.iter().map(|event| Duration::try_from_secs_f64(event.waited).unwrap_or_default()).max();
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

/// How long what a call runs may wait for a slot: a call that lasts long holds up what the next one would look for first.
const SLOT_WAIT: Duration = Duration::from_secs(1);

/// What a call runs itself. The attempts go on where the call is cut off, and the drain waits for them.
struct Runs {
    processor: Arc<Processor>,
    deadline: Instant,
    /// So many more may begin.
    left: usize,
    begun: Vec<JoinHandle<Run>>,
}

enum Run {
    Ran,
    /// The event was somebody else's by then, or had ended.
    NotOurs,
    /// It found no slot in time, or no database.
    Refused(Option<Overdue>),
}

impl Runs {
    fn new(processor: Arc<Processor>) -> Self {
        let deadline = Instant::now() + processor.settings.relay_limit;
        let left = processor.settings.relay_runs;
        Self { processor, deadline, left, begun: Vec::new() }
    }

    /// Begins as many as it may, and returns the others.
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
        // Its trace is known once the event is claimed. The span is of the highest level, as that of a request is.
        let span = tracing::error_span!("run", event_id = %id, trace = tracing::field::Empty);
        self.begun.push(self.processor.attempts.spawn(run.instrument(span)));
    }

    /// How many it ran. Cloud Run gives a process its CPU only while a request is open, so the call stays for the handlers.
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

/// No transaction is open meanwhile. Returns what Pub/Sub did not take.
async fn publish(processor: &Processor, page: Vec<Overdue>) -> Vec<Overdue> {
    let messages = page.iter().map(|event| Message {
        event_id: event.id.to_string(),
        event_type: event.event_type.clone(),
        traceparent: event.trace_id.map(service::traceparent_of),
    });
    let results = processor.publisher.publish(messages.collect()).await;
    page.into_iter().zip(results).filter(|(_, result)| result.is_err()).map(|(event, _)| event).collect()
}
