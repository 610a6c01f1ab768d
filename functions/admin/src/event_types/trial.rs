use std::sync::Arc;
use std::time::{Duration, Instant};

use event::{EventId, EventType};
use schema::{Schema, Violation};
use serde::Serialize;
use service::Problem;
use store::{Payload, Store};
use utoipa::ToSchema;
use utoipa::openapi::schema::Array;

use crate::openapi::list_of;
use crate::refusal;
use crate::refusal::of_parameter;

const MOST: u32 = 10_000;
/// A page is small, because an event may have a megabyte.
const PAGE: u32 = 16;
/// After this time a trial returns what it has found so far.
const LIMIT: Duration = Duration::from_secs(30);
const EXAMPLES: usize = 10;

/// The events that a schema would have refused. Nothing is changed.
#[derive(Default, Serialize, ToSchema)]
pub(super) struct Trial {
    checked: u32,
    refused: u32,
    examples: Vec<Example>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = TrialExample)]
struct Example {
    #[schema(value_type = String, format = "uuid")]
    id: EventId,
    #[schema(schema_with = violations_schema)]
    violations: Vec<Violation>,
}

fn violations_schema() -> Array {
    list_of("Violation")
}

pub(super) fn size(text: &str) -> Result<u32, Problem> {
    let size = text.parse().ok().filter(|size| (1..=MOST).contains(size));
    size.ok_or_else(|| of_parameter("trial", format!("must be a number from 1 to {MOST}")))
}

pub(super) async fn run(
    store: &Store,
    event_type: EventType,
    schema: Schema,
    size: u32,
) -> Result<Trial, Problem> {
    let (schema, started) = (Arc::new(schema), Instant::now());
    let mut trial = Trial::default();
    let mut before = None;
    while trial.checked < size && started.elapsed() < LIMIT {
        let limit = PAGE.min(size - trial.checked);
        let page = store.payloads(event_type.clone(), before, i64::from(limit)).await;
        let page = page.map_err(refusal::of_store)?;
        let Some(oldest) = page.last() else { break };
        before = Some(oldest.id);
        let schema = schema.clone();
        // The check of a page of the largest events takes a while.
        let checked =
            tokio::task::spawn_blocking(move || page.iter().map(|event| check(&schema, event)).collect());
        let checked: Vec<_> = checked.await.map_err(Problem::internal)?;
        trial.count(checked);
    }
    Ok(trial)
}

fn check(schema: &Schema, event: &Payload) -> Option<Example> {
    let found = schema.check(event.payload.get()).err()?;
    Some(Example { id: event.id, violations: found.violations })
}

impl Trial {
    fn count(&mut self, page: Vec<Option<Example>>) {
        for found in page {
            self.checked += 1;
            self.refused += u32::from(found.is_some());
            self.examples.extend(found.filter(|_| self.examples.len() < EXAMPLES));
        }
    }
}
