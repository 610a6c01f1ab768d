use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use local::process::{Line, Tell};

/// The beginning of the line that a fault point prints before it kills its process.
const FAULT_POINT: &str = "fault point ";

/// Processes that ended without an order: those that a fault point killed, and those that died for no known reason.
#[derive(Clone, Default)]
pub(crate) struct Deaths(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// The last fault point that each instance printed, until its end is seen.
    announced: BTreeMap<String, String>,
    by_fault_point: BTreeMap<String, usize>,
    by_nobody: Vec<String>,
    /// Processes that are expected to die of a fault.
    forgiven: Vec<String>,
}

impl Deaths {
    pub(crate) fn tell(&self) -> Tell {
        let this = self.clone();
        Arc::new(move |name, line| this.hear(name, &line))
    }

    fn hear(&self, name: &str, line: &Line<'_>) {
        let mut state = self.lock();
        match line {
            Line::Printed(text) => {
                if let Some((point, _)) = text.strip_prefix(FAULT_POINT).and_then(|rest| rest.split_once(':'))
                {
                    state.announced.insert(name.to_owned(), point.to_owned());
                }
            }
            Line::News(text) if text.starts_with("died") => match state.announced.remove(name) {
                Some(point) => *state.by_fault_point.entry(point).or_default() += 1,
                None if state.forgiven.iter().any(|forgiven| forgiven == name) => {}
                None => state.by_nobody.push(format!("{name} {text}")),
            },
            Line::News(_) => {}
        }
    }

    pub(crate) fn forgive(&self, name: &str) {
        self.lock().forgiven.push(name.to_owned());
    }

    pub(crate) fn by_fault_point(&self) -> BTreeMap<String, usize> {
        self.lock().by_fault_point.clone()
    }

    pub(crate) fn by_nobody(&self) -> Vec<String> {
        self.lock().by_nobody.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
