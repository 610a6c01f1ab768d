use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use event::EventType;
use schema::{Invalid, Schema};
use store::{CurrentSchemas, Mode};

/// What holds for one type, as it was at the latest reading.
pub(super) struct Held {
    pub(super) version: i32,
    pub(super) mode: Mode,
    /// Admin takes no schema that cannot be compiled, but it may be of a later release than we are.
    pub(super) schema: Result<Schema, Invalid>,
    /// Payloads that were taken although they are not as it says.
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

    /// With what is new compiled, which takes a while, and the rest as it was.
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
