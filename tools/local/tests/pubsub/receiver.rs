//! A push endpoint that answers as the test tells it, and records the pushes.

use std::{
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{Json, Router, extract::State, routing::post};
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use tokio::{
    net::TcpListener,
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    time::{sleep, timeout},
};

/// Longer than the shortest acknowledgement deadline, which some tests wait for.
const PATIENCE: Duration = Duration::from_secs(20);

pub struct Push {
    pub at: Instant,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Push {
    pub fn id(&self) -> &str {
        self.body["message"]["messageId"].as_str().unwrap()
    }

    pub fn attempt(&self) -> &Value {
        &self.body["deliveryAttempt"]
    }
}

pub struct Receiver {
    pub endpoint: String,
    pushes: UnboundedReceiver<Push>,
    given_up: Arc<AtomicUsize>,
}

/// The answer to the nth push, counted from zero. None leaves the request open.
type Script = dyn Fn(usize) -> Option<u16> + Send + Sync;

#[derive(Clone)]
struct Desk {
    script: Arc<Script>,
    count: Arc<AtomicUsize>,
    pushes: UnboundedSender<Push>,
    given_up: Arc<AtomicUsize>,
}

/// Held by an open request. It is dropped when the other side closes the request.
struct Open(Arc<AtomicUsize>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Receiver {
    pub async fn start(script: impl Fn(usize) -> Option<u16> + Send + Sync + 'static) -> Self {
        let (sender, pushes) = unbounded_channel();
        let given_up = Arc::<AtomicUsize>::default();
        let desk = Desk {
            script: Arc::new(script),
            count: Arc::default(),
            pushes: sender,
            given_up: given_up.clone(),
        };
        let app = Router::new().route("/push", post(receive)).with_state(desk);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let endpoint = format!("http://{}/push", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { endpoint, pushes, given_up }
    }

    pub async fn acking() -> Self {
        Self::start(|_| Some(204)).await
    }

    pub async fn next(&mut self) -> Push {
        timeout(PATIENCE, self.pushes.recv()).await.unwrap().unwrap()
    }

    /// Tells whether the other side closes a request that was left open.
    pub async fn is_given_up(&self) -> bool {
        let closed = async {
            while self.given_up.load(Ordering::Relaxed) == 0 {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(Duration::from_secs(5), closed).await.is_ok()
    }

    pub async fn take(&mut self, count: usize) -> Vec<Push> {
        let mut pushes = Vec::new();
        for _ in 0..count {
            pushes.push(self.next().await);
        }
        pushes
    }

    /// Tells whether no push comes in this time.
    pub async fn is_quiet(&mut self, time: Duration) -> bool {
        timeout(time, self.pushes.recv()).await.is_err()
    }
}

async fn receive(State(desk): State<Desk>, headers: HeaderMap, Json(body): Json<Value>) -> StatusCode {
    let nth = desk.count.fetch_add(1, Ordering::Relaxed);
    // The test may have ended already.
    let _ = desk.pushes.send(Push { at: Instant::now(), headers, body });
    let Some(status) = (desk.script)(nth) else {
        let _open = Open(desk.given_up);
        return std::future::pending().await;
    };
    StatusCode::from_u16(status).unwrap()
}
