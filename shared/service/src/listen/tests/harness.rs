use std::net::SocketAddr;
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::routing::{get, post};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::limits::Limits;
use crate::listen::serve;
use crate::memory::Memory;
use crate::{Problem, Readiness, Shutdown, client_address, read_body, router};

pub(super) const SLOW: Duration = Duration::from_millis(300);
pub(super) const BODY_DEADLINE: Duration = Duration::from_millis(200);
pub(super) const LIMITS: Limits = Limits {
    connections: NonZero::new(8).unwrap(),
    headers: Duration::from_millis(200),
    idle: Duration::from_millis(800),
    hops: 1,
    drain: Duration::from_secs(1),
};
/// The time that a busy machine may add to any of these limits.
pub(super) const GRACE: Duration = Duration::from_secs(2);

pub(super) struct Server {
    pub(super) address: SocketAddr,
    /// How often a request for `/slow` was begun.
    pub(super) begun: Arc<AtomicUsize>,
    shutdown: Shutdown,
    task: JoinHandle<()>,
}

impl Server {
    pub(super) async fn start(limits: Limits) -> Self {
        async fn echo(body: Body) -> Result<Bytes, Problem> {
            read_body(body, 1024, BODY_DEADLINE, &Memory::new(1 << 20).account()).await
        }
        async fn from(request: Request) -> String {
            format!("{:?}", client_address(request.extensions(), request.headers()))
        }
        async fn patient(body: Body) -> Result<Bytes, Problem> {
            read_body(body, 1024, Duration::from_mins(1), &Memory::new(1 << 20).account()).await
        }
        async fn slow(State(begun): State<Arc<AtomicUsize>>) {
            begun.fetch_add(1, Ordering::Relaxed);
            sleep(SLOW).await;
        }
        let begun = Arc::new(AtomicUsize::new(0));
        let app = Router::new()
            .route("/", get(async || "hello"))
            .route("/from", get(from))
            .route("/slow", get(slow).with_state(Arc::clone(&begun)))
            .route("/echo", post(echo))
            .route("/patient", post(patient));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = Shutdown::new();
        let router = router(app, &Readiness::waiting_for(&[]));
        let task = tokio::spawn(serve(listener, router, limits, shutdown.clone()));
        Self { address, begun, shutdown, task }
    }

    /// Every request is served, whatever else happens.
    pub(super) async fn serves(&self) {
        for _ in 0..20 {
            let answer = self.client(HELLO).await.answer().await;
            assert!(answer.ends_with("hello"), "{answer:?}");
        }
    }

    pub(super) async fn client(&self, first: impl AsRef<[u8]>) -> Client {
        let mut client = Client(TcpStream::connect(self.address).await.unwrap());
        client.send(first).await;
        client
    }

    pub(super) async fn stop(self) -> Duration {
        let start = Instant::now();
        self.shutdown.request();
        timeout(LIMITS.drain + GRACE, self.task).await.unwrap().unwrap();
        start.elapsed()
    }
}

pub(super) struct Client(pub(super) TcpStream);

impl Client {
    pub(super) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Reads everything up to the end of the connection, however it ends.
    pub(super) async fn rest(&mut self) -> String {
        let mut bytes = Vec::new();
        let read = self.0.read_to_end(&mut bytes);
        let _ = timeout(LIMITS.idle + GRACE, read).await.unwrap();
        String::from_utf8(bytes).unwrap()
    }

    pub(super) async fn answer(&mut self) -> String {
        let mut bytes = vec![0; 4096];
        let read = timeout(GRACE, self.0.read(&mut bytes)).await.unwrap();
        bytes.truncate(read.unwrap());
        String::from_utf8(bytes).unwrap()
    }

    /// Sends a little from time to time, up to the end of the connection.
    pub(super) async fn drip(self, text: &'static str) -> String {
        let (mut input, mut output) = self.0.into_split();
        let dripping = tokio::spawn(async move {
            while output.write_all(text.as_bytes()).await.is_ok() {
                sleep(Duration::from_millis(20)).await;
            }
        });
        let mut bytes = Vec::new();
        let read = input.read_to_end(&mut bytes);
        let _ = timeout(LIMITS.drain + GRACE, read).await.unwrap();
        dripping.abort();
        String::from_utf8(bytes).unwrap()
    }
}

pub(super) const HELLO: &str = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
pub(super) const GET_SLOW: &str = "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n";
pub(super) const HALF_A_BODY: &str = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf";
