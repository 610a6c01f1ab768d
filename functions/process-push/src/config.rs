use std::time::Duration;

use event::Retries;
use gcp::{IdentityConfig, PublisherConfig};
use service::{Env, Noted};
use store::{ClaimTerms, DatabaseUrl, StoreConfig};

/// Connections that no handler's transaction takes. Claims and the ends of attempts share them.
const SPARE_CONNECTIONS: u32 = 4;

pub struct Config {
    pub store: StoreConfig,
    pub publisher: PublisherConfig,
    pub identity: IdentityConfig,
    pub callers: Callers,
    pub settings: Settings,
    /// Turns on the demo handlers, which do what an event asks for, and the table that they write to.
    pub demo_handlers: bool,
}

/// The accounts whose tokens are accepted, for each kind of caller.
#[derive(Clone, Debug)]
pub struct Callers {
    pub push: String,
    pub scheduler: String,
}

#[derive(Clone, Debug)]
pub struct Settings {
    /// The name of this instance in the record of an attempt.
    pub instance: String,
    pub handler_limit: Duration,
    pub claim: ClaimTerms,
    pub retries: Retries,
    /// The time after which the relay first looks after an event, as ingest sets it.
    pub first_due: Duration,
    /// The time by which the relay postpones an event.
    pub due_step: Duration,
    pub concurrency: u32,
    /// The time that a handler may continue after SIGTERM.
    pub drain_grace: Duration,
    pub relay_page: u32,
    /// The most pages that one call publishes, because events that are published faster than they are processed come
    /// round again.
    pub relay_pages: u32,
    /// The most events that one call runs itself.
    pub relay_runs: usize,
    pub relay_limit: Duration,
    /// The time that a week of events is stored after its end.
    pub retention: Duration,
    /// The time after which a call of /maintain leaves the rest to the next.
    pub maintain_limit: Duration,
}

/// A process that is killed now and then loses one or two attempts of an event. An event that has lost this many may be
/// the cause itself.
const ISOLATE_AFTER: u32 = 3;
/// With waits that grow to the longest backoff, an event that ends its own session is tried for more than an hour.
const MAX_INTERRUPTED: u32 = 20;
/// Pub/Sub delivers within milliseconds if it is healthy. The relay runs an event that is not delivered within this
/// time.
const PUSH_GRACE: Duration = Duration::from_secs(5);

/// The previous week must exist, for ids of a clock that is slightly off.
const MIN_RETENTION_DAYS: u32 = 7;
/// A statement that reads the log by transaction, or lists events, holds 8 locks for each week that exists. With 59
/// weeks, the 6,400 locks that PostgreSQL has for 100 connections are enough for about 13 such statements.
const MAX_RETENTION_DAYS: u32 = 366;

impl Config {
    pub fn read(env: &mut Env) -> Result<Self, Noted> {
        env.alias("GOOGLE_CLOUD_PROJECT", "GCP_PROJECT_ID");
        env.alias("GOOGLE_APPLICATION_CREDENTIALS", "GCP_CREDENTIALS_PATH");
        let url = env.required::<DatabaseUrl>("DATABASE_URL");
        let project = env.required("GOOGLE_CLOUD_PROJECT");
        let topic = env.or("PUBSUB_TOPIC_NAME", "events".to_owned());
        let emulator_host = env.optional("PUBSUB_EMULATOR_HOST");
        let credentials_file = env.optional("GOOGLE_APPLICATION_CREDENTIALS");
        let timeout = env.millis("PUBLISH_TIMEOUT_MS", 1000);
        let identity = door::identity(env);
        let push = env.required("PUSH_ACCOUNT");
        let scheduler = env.required("SCHEDULER_ACCOUNT");
        let settings = Settings::read(env);
        let demo_handlers = env.or("DEMO_HANDLERS", false);
        let max_connections = env.or("DATABASE_MAX_CONNECTIONS", 12).and_then(|connections| {
            let enough = connections > SPARE_CONNECTIONS;
            let why = || format!("must be above {SPARE_CONNECTIONS}, which are not for handlers");
            if enough { Ok(connections) } else { Err(env.mistake("DATABASE_MAX_CONNECTIONS", why())) }
        });
        let max_connections = max_connections?;
        Ok(Self {
            store: StoreConfig {
                max_connections,
                max_transactions: max_connections - SPARE_CONNECTIONS,
                plans_once: true,
                ..StoreConfig::new(url?, "process-push")
            },
            publisher: PublisherConfig {
                project: project?,
                topic: topic?,
                emulator_host: emulator_host?,
                credentials_file: credentials_file?,
                timeout: timeout?,
            },
            identity: identity?,
            callers: Callers { push: push?, scheduler: scheduler? },
            settings: settings?,
            demo_handlers: demo_handlers?,
        })
    }
}

impl Settings {
    /// The longest duration of an attempt from its claim on, including all waits. The attempt must end before its
    /// lease.
    pub(crate) fn attempt_limit(&self) -> Duration {
        let spare = self.claim.lease.saturating_sub(self.handler_limit);
        self.claim.lease.saturating_sub(spare / 4)
    }

    fn read(env: &mut Env) -> Result<Self, Noted> {
        let instance = env.optional::<String>("K_REVISION");
        let handler_limit = env.seconds("HANDLER_LIMIT_SECONDS", 60);
        let lease = env.seconds("LEASE_SECONDS", 75);
        let ack_deadline = env.seconds("ACK_DEADLINE_SECONDS", 90);
        let backoff_min = env.seconds("RETRY_MIN_SECONDS", 10);
        let backoff_max = env.seconds("RETRY_MAX_SECONDS", 600);
        let first_due = env.seconds("FIRST_DUE_SECONDS", 120);
        let due_step = env.seconds("DUE_STEP_SECONDS", 720);
        let max = env.or("MAX_RETRIES", 3);
        let max_lost = env.or("MAX_LOST_ATTEMPTS", 10);
        let concurrency = env.or("CONCURRENCY", 80);
        let retention_days = env.count("RETENTION_DAYS", 90);
        let settings = Self {
            instance: instance_name(instance?.as_deref()),
            handler_limit: handler_limit?,
            claim: ClaimTerms { isolate_after: ISOLATE_AFTER, lease: lease?, max_lost: max_lost? },
            retries: Retries {
                max: max?,
                backoff_min: backoff_min?,
                backoff_max: backoff_max?,
                max_interrupted: MAX_INTERRUPTED,
                push_grace: PUSH_GRACE,
            },
            first_due: first_due?,
            due_step: due_step?,
            concurrency: concurrency?,
            drain_grace: Duration::from_secs(5),
            relay_page: 500,
            relay_pages: 100,
            relay_runs: 2_000,
            relay_limit: Duration::from_secs(20),
            retention: Duration::from_hours(24 * u64::from(retention_days?)),
            maintain_limit: Duration::from_mins(1),
        };
        settings.hold(env, ack_deadline?)?;
        Ok(settings)
    }

    /// Checks the conditions between the settings without which deliveries and leases would overlap.
    fn hold(&self, env: &mut Env, ack_deadline: Duration) -> Result<(), Noted> {
        let lease = self.claim.lease;
        let mut held = Ok(());
        let mut must = |holds: bool, name, why: String| {
            if !holds {
                held = Err(env.mistake(name, why));
            }
        };
        must(
            self.handler_limit < lease,
            "HANDLER_LIMIT_SECONDS",
            format!("must be below LEASE_SECONDS, {lease:?}"),
        );
        must(
            lease < ack_deadline,
            "LEASE_SECONDS",
            format!("must be below ACK_DEADLINE_SECONDS, {ack_deadline:?}"),
        );
        must(self.first_due > lease, "FIRST_DUE_SECONDS", format!("must be above LEASE_SECONDS, {lease:?}"));
        let longest = self.retries.backoff_max + ack_deadline;
        must(
            self.due_step > longest,
            "DUE_STEP_SECONDS",
            format!("must be above RETRY_MAX_SECONDS and ACK_DEADLINE_SECONDS together, {longest:?}"),
        );
        must(self.concurrency > 0, "CONCURRENCY", "must be at least 1".into());
        let days = |days| Duration::from_hours(24 * u64::from(days));
        must(
            self.retention >= days(MIN_RETENTION_DAYS) && self.retention <= days(MAX_RETENTION_DAYS),
            "RETENTION_DAYS",
            format!(
                "must be from {MIN_RETENTION_DAYS} to {MAX_RETENTION_DAYS}: each week that is kept takes locks of the database's"
            ),
        );
        held
    }
}

/// Names Cloud Run's revision, or the process on the host, which is enough to find the log lines.
fn instance_name(revision: Option<&str>) -> String {
    let process = std::process::id();
    let nonce = &uuid::Uuid::new_v4().simple().to_string()[..8];
    format!("{}-{process}-{nonce}", revision.unwrap_or("process-push"))
}
