use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use event::EventId;
use process_push::{Attempt, Failure, Handler};
use serde::Deserialize;
use tokio::sync::oneshot;

/// The handler of every event here: it takes effect, and then ends as it is told.
#[derive(Clone, Default)]
pub(crate) struct Stage(Arc<Mutex<Script>>);

#[derive(Default)]
struct Script {
    next: Option<Part>,
    /// Every attempt that began, and how the handler ended it.
    played: BTreeMap<(EventId, u32), Option<Ending>>,
}

pub(crate) enum Part {
    Short(Ending),
    /// Tells when it has begun, and waits.
    Long {
        begun: oneshot::Sender<()>,
        end: oneshot::Receiver<Ending>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Success,
    Failure,
    Permanent,
    Panic,
}

#[derive(Deserialize)]
struct Payload {
    weight: i64,
}

impl Stage {
    /// For the attempt that begins next, if one does.
    pub(crate) fn direct(&self, part: Part) {
        self.script().next = Some(part);
    }

    /// The attempt that was directed has begun, or there was none.
    pub(crate) fn dismiss(&self) {
        self.script().next = None;
    }

    pub(crate) fn played(&self) -> BTreeMap<(EventId, u32), Option<Ending>> {
        self.script().played.clone()
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.0.lock().unwrap()
    }
}

impl Handler for Stage {
    async fn handle(&self, attempt: &mut Attempt) -> Result<(), Failure> {
        let (id, number) = (attempt.event.id, attempt.number());
        let part = {
            let mut script = self.script();
            script.played.insert((id, number), None);
            // An attempt of the relay's own is directed by nobody.
            script.next.take().unwrap_or(Part::Short(Ending::Success))
        };
        let weight = attempt.payload::<Payload>()?.weight;
        attempt.transaction().await?.append_to_demo_ledger(id, number, weight).await?;
        let ending = match part {
            Part::Short(ending) => ending,
            Part::Long { begun, end } => {
                let _ = begun.send(());
                end.await.unwrap()
            }
        };
        self.script().played.insert((id, number), Some(ending));
        match ending {
            Ending::Success => Ok(()),
            Ending::Failure => Err(Failure::Retry("it was told to fail".into())),
            Ending::Permanent => Err(Failure::Permanent("it was told to fail for good".into())),
            Ending::Panic => panic!("it was told to panic"),
        }
    }
}
