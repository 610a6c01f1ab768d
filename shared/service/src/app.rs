use std::future::Future;

use axum::Router;
use futures::future::{BoxFuture, FutureExt, select_all};
use tokio::task::JoinHandle;

use crate::health::Readiness;

/// The parts of a service once it has started.
pub struct App {
    pub(crate) router: Router,
    pub(crate) readiness: Readiness,
    pub(crate) tasks: Vec<BoxFuture<'static, String>>,
    pub(crate) on_drained: BoxFuture<'static, ()>,
}

impl App {
    pub fn new(router: Router, readiness: Readiness) -> Self {
        Self { router, readiness, tasks: Vec::new(), on_drained: std::future::ready(()).boxed() }
    }

    /// Names a task that the service cannot work without. If it ends before a stop was requested, by a panic or
    /// otherwise, the process drains and fails, so that it is started again.
    #[must_use]
    pub fn depends_on(mut self, name: &'static str, task: JoinHandle<()>) -> Self {
        self.tasks.push(
            task.map(move |ended| match ended {
                Ok(()) => format!("{name} ended"),
                Err(error) => format!("{name} ended: {error}"),
            })
            .boxed(),
        );
        self
    }

    /// Sets the work between the end of the last connection and the end of the process.
    #[must_use]
    pub fn on_drained(mut self, work: impl Future<Output = ()> + Send + 'static) -> Self {
        self.on_drained = work.boxed();
        self
    }
}

/// Waits for the first task to end, and returns how it ended.
pub(crate) async fn first_end(tasks: Vec<BoxFuture<'static, String>>) -> String {
    if tasks.is_empty() { std::future::pending().await } else { select_all(tasks).await.0 }
}
