use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use event::EventType;
use schema::{Invalid, Schema};
use store::{CurrentSchemas, Mode};

/// The schema and the mode of one type, as of the latest reading.
pub(super) struct Held {
    pub(super) version: i32,
    pub(super) mode: Mode,
    /// Admin accepts no schema that cannot be compiled, but admin may be of a later release than this service.
    pub(super) schema: Result<Schema, Invalid>,
    /// The number of payloads that were accepted although they violate the schema.
    pub(super) warnings: AtomicU64,
}

#[derive(Clone, Default)]
pub(super) struct Types(Arc<HashMap<String, Arc<Held>>>);

impl Types {
    pub(super) fn of(&self, event_type: &EventType) -> Option<&Arc<Held>> {
        self.0.get(event_type.as_str())
    }

    pub(super) fn versions(&self) -> Vec<(String, i32)> {
        self.0.iter().map(|(event_type, held)| (event_type.clone(), held.version)).collect()
    }

    /// Compiles the new schemas, which takes a while, and keeps the others.
    pub(super) fn brought_to(&self, current: CurrentSchemas) -> Self {
        let types = current.into_iter().filter_map(|(event_type, current)| {
            let held = match current.schema {
                Some(text) => Arc::new(compiled(&event_type, current.version, current.mode, &text)),
                None => self.0.get(&event_type)?.clone(),
            };
            Some((event_type, held))
        });
        Self(Arc::new(types.collect()))
    }
}

fn compiled(event_type: &str, version: i32, mode: Mode, text: &str) -> Held {
    let schema = Schema::compile(text);
    match &schema {
        Ok(_) => tracing::info!(event_type, version, mode = mode.as_str(), "a schema is in force"),
        Err(error) => tracing::error!(event_type, version, %error, "a schema cannot be used"),
    }
    Held { version, mode, schema, warnings: AtomicU64::new(0) }
}
