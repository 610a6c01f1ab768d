use std::process::Command;
use std::sync::PoisonError;
use std::time::Duration;

use local::process::Program;
use reqwest::Client;

use super::{Environment, Extra};

/// One of the two instances of a service.
pub(super) struct Instance {
    pub(super) name: &'static str,
    pub(super) port: u16,
    pub(super) environment: Environment,
    /// Additional variables, which hold for a time.
    pub(super) extra: Extra,
    /// Makes the command with which the stack would start the service.
    pub(super) command: Box<dyn Fn() -> Command + Send + Sync>,
    pub(super) client: Client,
}

impl Program for Instance {
    fn name(&self) -> &'static str {
        self.name
    }

    fn command(&self) -> Command {
        let mut command = (self.command)();
        command.env("PORT", self.port.to_string());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.envs(self.extra.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned());
        command
    }

    /// The instance answers requests. Its database and the stand-ins may be away.
    async fn is_ready(&self, _pid: u32) -> bool {
        let url = format!("http://127.0.0.1:{}/health", self.port);
        let request = self.client.get(url).timeout(Duration::from_secs(1));
        request.send().await.is_ok_and(|response| response.status().is_success())
    }
}
