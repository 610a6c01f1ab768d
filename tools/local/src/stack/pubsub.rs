use std::process::Command;

use super::{Settings, topics};
use crate::{Error, process::Program};

/// Pub/Sub loses its topics and subscriptions when it dies, so they are created each time it becomes ready.
pub(super) struct WithTopics<P> {
    pub(super) server: P,
    pub(super) settings: Settings,
    /// The address at which Pub/Sub reaches process-push.
    pub(super) push: String,
}

impl<P: Program> Program for WithTopics<P> {
    fn name(&self) -> &'static str {
        self.server.name()
    }

    fn command(&self) -> Command {
        self.server.command()
    }

    async fn is_ready(&self, pid: u32) -> bool {
        self.server.is_ready(pid).await
    }

    async fn equip(&self) -> Result<(), Error> {
        topics::create(&self.settings, &self.push).await
    }
}
