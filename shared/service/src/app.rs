use std::future::Future;

use axum::Router;
use futures::future::{BoxFuture, FutureExt, select_all};
use tokio::task::JoinHandle;

use crate::health::Readiness;

/// What a service consists of once it has started.
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

    /// Names a task without which the service is of no use: when it ends before a stop was
    /// requested, by a panic or otherwise, the process drains and fails, to be started again.
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

    /// What there is to do between the last connection's end and the process's.
    #[must_use]
    pub fn on_drained(mut self, work: impl Future<Output = ()> + Send + 'static) -> Self {
        self.on_drained = work.boxed();
        self
    }
}

/// Waits for the first task to end, and says how.
pub(crate) async fn first_end(tasks: Vec<BoxFuture<'static, String>>) -> String {
    if tasks.is_empty() { std::future::pending().await } else { select_all(tasks).await.0 }
}
