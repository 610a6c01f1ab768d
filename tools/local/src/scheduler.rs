//! Calls the services as Cloud Scheduler does: `POST`, at an interval, with an identity token.

use std::str::FromStr;
use std::time::Duration;

use reqwest::{StatusCode, Url, header};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

use crate::{Error, oidc};

/// A failed call is repeated after this time, then after twice this time, and so on. Repetitions never delay the next
/// regular call.
const FIRST_BACKOFF: Duration = Duration::from_secs(1);
/// A token is valid for an hour.
const TOKEN_KEPT: Duration = Duration::from_mins(50);

#[derive(clap::Args)]
pub struct Args {
    /// A URL and the seconds between its calls: `http://localhost:8081/relay=2`.
    #[arg(long = "job", required = true, value_name = "URL=SECONDS")]
    jobs: Vec<Job>,
    #[arg(long, default_value = "http://127.0.0.1:8086")]
    issuer: String,
    /// The service account of the calls.
    #[arg(long, default_value = "scheduler@eventflow-local.iam.gserviceaccount.com")]
    account: String,
    /// The time limit of a call in seconds.
    #[arg(long, default_value = "180", value_parser = seconds)]
    attempt_deadline: Duration,
}

#[derive(Debug, Clone, PartialEq)]
struct Job {
    url: Url,
    every: Duration,
}

impl FromStr for Job {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let (url, every) = text.rsplit_once('=').ok_or("a job has the form URL=SECONDS")?;
        let url = Url::parse(url)?;
        if !url.has_host() {
            return Err("the URL has no host".into());
        }
        let every = seconds(every)?;
        Ok(Self { url, every })
    }
}

fn seconds(text: &str) -> Result<Duration, Error> {
    let duration = Duration::try_from_secs_f64(text.parse()?)?;
    if duration.is_zero() {
        return Err("the number of seconds must be more than zero".into());
    }
    Ok(duration)
}

/// Runs until the process ends. A call may be cut off at that time, and the services have to survive that.
pub async fn serve(args: Args) -> Result<(), Error> {
    let mut runs = JoinSet::new();
    for job in args.jobs {
        let caller = Caller {
            http: oidc::http_client(),
            issuer: args.issuer.clone(),
            account: args.account.clone(),
            deadline: args.attempt_deadline,
            audience: job.url.origin().ascii_serialization(),
            url: job.url,
            token: None,
        };
        runs.spawn(run(caller, job.every));
    }
    while let Some(ended) = runs.join_next().await {
        ended?;
    }
    Ok(())
}

/// Calls one at a time. The next call waits for the end of the one before, as Cloud Scheduler's do.
async fn run(mut caller: Caller, every: Duration) {
    let mut failures = 0;
    let mut next = Instant::now() + every;
    loop {
        sleep_until(next).await;
        let started = Instant::now();
        let outcome = caller.call().await;
        caller.log(&outcome, failures);
        failures = if outcome.is_ok() { 0 } else { failures + 1 };
        next = started + every;
        if failures > 0 {
            next = next.min(Instant::now() + backoff(failures));
        }
    }
}

fn backoff(failures: u32) -> Duration {
    const DOUBLINGS: u32 = 5;
    FIRST_BACKOFF * 2_u32.pow((failures - 1).min(DOUBLINGS))
}

struct Caller {
    http: reqwest::Client,
    issuer: String,
    account: String,
    deadline: Duration,
    url: Url,
    audience: String,
    token: Option<(String, Instant)>,
}

impl Caller {
    async fn call(&mut self) -> Result<(), Error> {
        let token = self.token().await?;
        let request = self
            .http
            .post(self.url.clone())
            .bearer_auth(token)
            .header(header::USER_AGENT, "Google-Cloud-Scheduler")
            .header("X-CloudScheduler", "true")
            .json(&serde_json::json!({}));
        let answer = timeout(self.deadline, request.send())
            .await
            .map_err(|_| format!("no answer within {:?}", self.deadline))??;
        if answer.status() == StatusCode::UNAUTHORIZED {
            self.token = None;
        }
        if !answer.status().is_success() {
            return Err(format!("status {}", answer.status()).into());
        }
        Ok(())
    }

    async fn token(&mut self) -> Result<String, Error> {
        if let Some((token, until)) = &self.token
            && Instant::now() < *until
        {
            return Ok(token.clone());
        }
        let token = oidc::token(&self.issuer, &self.account, &self.audience)
            .await
            .map_err(|error| format!("no token: {error}"))?;
        self.token = Some((token.clone(), Instant::now() + TOKEN_KEPT));
        Ok(token)
    }

    /// Logs only a change from success to failure or back.
    fn log(&self, outcome: &Result<(), Error>, failures: u32) {
        match outcome {
            Err(error) if failures == 0 => tracing::warn!(url = %self.url, %error, "the call fails"),
            Ok(()) if failures > 0 => {
                tracing::info!(url = %self.url, failures, "the call succeeds again");
            }
            _ => {}
        }
    }
}
