use std::sync::Arc;

use local::stack::Part;
use serde_json::{Map, Value, json};
use tokio::sync::Mutex;

use crate::Error;
use crate::load::UNLOADABLE;
use crate::world::World;

/// The faults in force in the two stand-ins. A stand-in takes all its faults in one request, and forgets them when it
/// is killed.
pub(crate) struct StandIns {
    world: Arc<World>,
    pubsub: Mutex<Map<String, Value>>,
    bigquery: Mutex<Map<String, Value>>,
}

impl StandIns {
    pub(super) fn new(world: Arc<World>) -> Self {
        let bigquery = Map::from_iter([("invalidRows".to_owned(), json!(UNLOADABLE))]);
        Self { world, pubsub: Mutex::default(), bigquery: Mutex::new(bigquery) }
    }

    /// Sets the fault, or takes it back if the value is None.
    pub(crate) async fn set(&self, part: Part, name: &str, value: Option<Value>) -> Result<(), Error> {
        let mut faults = self.of(part).lock().await;
        match value {
            Some(value) => faults.insert(name.to_owned(), value),
            None => faults.remove(name),
        };
        self.tell(part, &faults).await
    }

    /// Sends all faults in force to the stand-in, at the start of the run and after a restart.
    pub(crate) async fn restore(&self, part: Part) -> Result<(), Error> {
        let faults = self.of(part).lock().await;
        self.tell(part, &faults).await
    }

    async fn tell(&self, part: Part, faults: &Map<String, Value>) -> Result<(), Error> {
        match self.world.stand_in_faults(part, &Value::Object(faults.clone())).await {
            // A stand-in that is away gets its faults when it is back.
            Err(error)
                if error
                    .downcast_ref::<reqwest::Error>()
                    .is_some_and(|e| e.is_connect() || e.is_request()) =>
            {
                Ok(())
            }
            other => other,
        }
    }

    fn of(&self, part: Part) -> &Mutex<Map<String, Value>> {
        if part == Part::Pubsub { &self.pubsub } else { &self.bigquery }
    }
}
