use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use event::EventId;
use local::bigquery::router;
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// BigQuery's own quota is for a whole day, so it would be too small.
const LOADS_A_DAY: usize = 10_000;

/// The BigQuery stand-in, behind a gate at which a flusher can die.
pub(crate) struct Warehouse {
    pub(crate) address: String,
    gate: Gate,
    server: JoinHandle<()>,
    _dir: TempDir,
}

/// The request at which the caller is cut off. If `answers` is true, BigQuery carries the request out first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut {
    pub(crate) at: usize,
    pub(crate) answers: bool,
}

#[derive(Clone, Default)]
struct Gate(Arc<Mutex<Option<Closing>>>);

/// The request at which a caller is cut off, and the sender that signals it.
type Closing = (Cut, oneshot::Sender<()>);

impl Warehouse {
    pub(crate) async fn start() -> Self {
        let dir = TempDir::new().unwrap();
        let gate = Gate::default();
        let router = router(dir.path(), LOADS_A_DAY).unwrap().layer(from_fn_with_state(gate.clone(), pass));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, gate, server, _dir: dir }
    }

    /// Returns a receiver that signals the request at which the caller has to die.
    pub(crate) fn cut(&self, cut: Cut) -> oneshot::Receiver<()> {
        let (told, comes) = oneshot::channel();
        *self.gate.0.lock().unwrap() = Some((cut, told));
        comes
    }

    pub(crate) fn stop_cutting(&self) {
        *self.gate.0.lock().unwrap() = None;
    }

    /// Returns the number of rows of each event in the table.
    pub(crate) async fn rows(&self) -> BTreeMap<EventId, usize> {
        let table = "bigquery/v2/projects/test/datasets/eventflow/tables/events";
        let url = format!("http://{}/{table}/data?selectedFields=id", self.address);
        let page: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
        let mut rows = BTreeMap::new();
        for row in page["rows"].as_array().into_iter().flatten() {
            let id = row["f"][0]["v"].as_str().unwrap().parse().unwrap();
            *rows.entry(id).or_default() += 1;
        }
        rows
    }
}

async fn pass(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let Some((cut, told)) = gate.meets() else { return next.run(request).await };
    if cut.answers {
        next.run(request).await;
    }
    let _ = told.send(());
    std::future::pending().await
}

impl Gate {
    fn meets(&self) -> Option<Closing> {
        let mut gate = self.0.lock().unwrap();
        let (cut, _) = gate.as_mut()?;
        match cut.at.checked_sub(1) {
            Some(left) => {
                cut.at = left;
                None
            }
            None => gate.take(),
        }
    }
}

impl Drop for Warehouse {
    fn drop(&mut self) {
        self.server.abort();
    }
}
