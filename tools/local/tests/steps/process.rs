use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use service::testing::{Answer, call};
use tokio::runtime::{Builder, Runtime};
use tokio::task::{JoinHandle, spawn_blocking};

/// A service with a runtime of its own, so that it can be killed in the middle of its work.
pub(crate) struct Process {
    runtime: Option<Runtime>,
    router: Router,
}

impl Process {
    pub(crate) async fn start(service: impl Future<Output = Router> + Send + 'static) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let router = runtime.spawn(service).await.unwrap();
        Self { runtime: Some(runtime), router }
    }

    pub(crate) fn call(&self, request: Request<Body>) -> JoinHandle<Answer> {
        self.runtime.as_ref().unwrap().spawn(call(self.router.clone(), request))
    }

    /// Stops all its work at once, and closes its connections.
    pub(crate) async fn kill(mut self) {
        let runtime = self.runtime.take().unwrap();
        spawn_blocking(move || runtime.shutdown_timeout(Duration::from_secs(5))).await.unwrap();
    }
}

/// A runtime must not block on its end inside another runtime.
impl Drop for Process {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
