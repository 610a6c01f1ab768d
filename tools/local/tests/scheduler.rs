//! The scheduler as a process, against a service that records its calls.
#![allow(clippy::unwrap_used)]

use std::net::Ipv4Addr;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::routing::any;
use google_cloud_auth::credentials::idtoken::verifier;
use local::oidc::{self, Issuer};
use tempfile::TempDir;
use tokio::net::TcpListener;

const ACCOUNT: &str = "scheduler@eventflow-local.iam.gserviceaccount.com";

struct Call {
    at: Instant,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: String,
}

/// The answers of the service, and the calls that it received.
#[derive(Clone)]
struct Service {
    calls: Arc<Mutex<Vec<Call>>>,
    /// The last answer is used for all further calls.
    answers: Arc<Mutex<Vec<StatusCode>>>,
    takes: Duration,
}

async fn record(State(service): State<Service>, request: Request) -> StatusCode {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1000).await.unwrap();
    service.calls.lock().unwrap().push(Call {
        at: Instant::now(),
        method: head.method,
        path: head.uri.path().to_owned(),
        headers: head.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    });
    tokio::time::sleep(service.takes).await;
    let mut answers = service.answers.lock().unwrap();
    if answers.len() > 1 { answers.remove(0) } else { answers[0] }
}

async fn listen(router: Router) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

struct Stage {
    service: Service,
    url: String,
    issuer: String,
    scheduler: Child,
    _key: TempDir,
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.scheduler.kill().unwrap();
        self.scheduler.wait().unwrap();
    }
}

impl Stage {
    async fn set(jobs: &[&str], answers: &[StatusCode], takes: Duration) -> Self {
        let _already_installed = rustls::crypto::ring::default_provider().install_default();
        let service =
            Service { calls: Arc::default(), answers: Arc::new(Mutex::new(answers.to_vec())), takes };
        let url = listen(Router::new().fallback(any(record)).with_state(service.clone())).await;
        let key = tempfile::tempdir().unwrap();
        let issuer = listen(oidc::router(Issuer::open(key.path()).unwrap(), "")).await;
        let jobs = jobs.iter().map(|job| format!("--job={url}{job}"));
        let scheduler = Command::new(env!("CARGO_BIN_EXE_local"))
            .args(["scheduler", "--issuer", &issuer, "--attempt-deadline", "0.5"])
            .args(jobs)
            .spawn()
            .unwrap();
        Self { service, url, issuer, scheduler, _key: key }
    }

    async fn calls(&self, count: usize) -> Vec<Call> {
        for _ in 0..1000 {
            if self.service.calls.lock().unwrap().len() >= count {
                return std::mem::take(&mut *self.service.calls.lock().unwrap());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{count} calls were expected");
    }
}

#[tokio::test]
async fn calls_carry_an_identity_for_the_service() {
    let stage = Stage::set(&["/relay=0.05"], &[StatusCode::OK], Duration::ZERO).await;
    let calls = stage.calls(25).await;
    let call = &calls[24];

    assert_eq!((&call.method, call.path.as_str(), call.body.as_str()), (&Method::POST, "/relay", "{}"));
    assert_eq!(call.headers["user-agent"], "Google-Cloud-Scheduler");
    assert_eq!(call.headers["x-cloudscheduler"], "true");
    assert_eq!(call.headers["content-type"], "application/json");
    let token = call.headers["authorization"].to_str().unwrap().strip_prefix("Bearer ").unwrap();
    let verifier = verifier::Builder::new([&stage.url])
        .with_email(ACCOUNT)
        .with_jwks_url(format!("{}/certs", stage.issuer))
        .build();
    verifier.verify(token).await.unwrap();
    assert_eq!(
        calls[0].headers["authorization"], call.headers["authorization"],
        "a token that is good for an hour was not kept for a second"
    );
}

#[tokio::test]
async fn each_job_has_its_own_interval() {
    let stage = Stage::set(&["/relay=0.05", "/flush=0.2"], &[StatusCode::OK], Duration::ZERO).await;
    let calls = stage.calls(10).await;
    let of = |path| calls.iter().filter(|call| call.path == path).count();
    assert!(of("/flush") >= 1 && of("/relay") > 2 * of("/flush"));
}

#[tokio::test]
async fn one_job_never_runs_twice_at_once() {
    let takes = Duration::from_millis(200);
    let stage = Stage::set(&["/flush=0.01"], &[StatusCode::OK], takes).await;
    let calls = stage.calls(4).await;
    for pair in calls.windows(2) {
        assert!(pair[1].at - pair[0].at >= takes);
    }
}

#[tokio::test]
async fn a_failed_call_is_repeated_before_its_turn() {
    let answers = [StatusCode::OK, StatusCode::SERVICE_UNAVAILABLE, StatusCode::OK];
    let stage = Stage::set(&["/maintain=3"], &answers, Duration::ZERO).await;
    let calls = stage.calls(3).await;
    let gap = |i: usize| (calls[i + 1].at - calls[i].at).as_secs_f64();
    assert!(gap(0) > 2.0, "the first went well: {}", gap(0));
    assert!(gap(1) < 2.0, "the second failed: {}", gap(1));
}

#[tokio::test]
async fn a_call_that_takes_too_long_has_failed() {
    let takes = Duration::from_mins(1);
    let stage = Stage::set(&["/flush=4"], &[StatusCode::OK], takes).await;
    let calls = stage.calls(2).await;
    let gap = (calls[1].at - calls[0].at).as_secs_f64();
    assert!(gap < 3.5, "deadline and backoff: {gap}");
}

#[test]
fn a_job_that_cannot_be_read_is_told() {
    for job in
        ["http://localhost:1/relay", "relay=2", "http://localhost:1/relay=0", "http://localhost:1/relay=x"]
    {
        let run = Command::new(env!("CARGO_BIN_EXE_local")).args(["scheduler", "--job", job]).output();
        let run = run.unwrap();
        assert!(!run.status.success(), "{job}");
        assert!(String::from_utf8_lossy(&run.stderr).contains("--job"), "{job}");
    }
}
