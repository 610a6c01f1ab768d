use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use event::EventId;
use process_push::{Attempt, Failure, Handler};
use serde::Deserialize;
use tokio::sync::oneshot;

/// The handler of every event in these tests. It takes effect, and then ends as the test directs.
#[derive(Clone, Default)]
pub(crate) struct Stage(Arc<Mutex<Script>>);

#[derive(Default)]
struct Script {
    next: Option<Part>,
    /// Every attempt that began, with the end of its handler.
    played: BTreeMap<(EventId, u32), Option<Ending>>,
}

pub(crate) enum Part {
    Short(Ending),
    /// Sends a signal when it has begun, and waits for its end.
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
    /// Directs the next attempt that begins.
    pub(crate) fn direct(&self, part: Part) {
        self.script().next = Some(part);
    }

    /// Forgets the direction, because its attempt has begun or will not begin.
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
            // The test does not direct an attempt that the relay runs itself.
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
