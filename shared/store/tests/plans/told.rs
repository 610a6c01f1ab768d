use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Registry;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

/// The target of PostgreSQL's notices, which sqlx passes on.
const NOTICES: &str = "sqlx::postgres::notice";

/// The plans that were reported.
#[derive(Clone, Default)]
pub(crate) struct Told(Arc<Mutex<Vec<String>>>);

/// Listens in the whole process, since the store's statements run in tasks of their own.
pub(crate) fn listen() -> Told {
    let told = Told::default();
    let notices = Targets::new().with_target(NOTICES, Level::TRACE);
    let subscriber = Registry::default().with(told.clone().with_filter(notices));
    tracing::subscriber::set_global_default(subscriber).unwrap();
    told
}

impl Told {
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl<S: Subscriber> Layer<S> for Told {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        event.record(&mut Plans(&mut self.0.lock().unwrap()));
    }
}

struct Plans<'a>(&'a mut Vec<String>);

impl Visit for Plans<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" && value.starts_with("duration: ") {
            self.0.push(value.to_owned());
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}
