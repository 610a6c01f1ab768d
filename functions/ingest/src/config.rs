use std::num::NonZero;
use std::time::Duration;

use door::Callers;
use gcp::PublisherConfig;
use service::{Env, Noted};
use store::{DatabaseUrl, StoreConfig};

use crate::memory;
use crate::origins::Origins;

pub struct Config {
    pub store: StoreConfig,
    pub publisher: PublisherConfig,
    pub senders: Senders,
    /// The limit for one address; None means no limit.
    pub requests_per_second: Option<NonZero<u32>>,
    /// The sites whose pages may send events from a browser.
    pub origins: Origins,
    pub limits: Limits,
    /// After this time the relay publishes an event that was not published here.
    pub first_due: Duration,
    /// A request that is repeated within this time gets the first answer again.
    pub keys_last: Duration,
}

/// The callers that may send events.
pub enum Senders {
    /// Callers with an API key.
    Keys,
    Callers(Callers),
}

#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub body_bytes: usize,
    /// The limit for all requests together; one sender may hold at most a quarter of it.
    pub memory_bytes: usize,
    pub body_deadline: Duration,
    /// The time from the end of the body to the answer.
    pub answer_deadline: Duration,
}

/// The longest time that a request waits for its answer after its body has arrived.
const ANSWER_DEADLINE: Duration = Duration::from_secs(15);
/// Together with the wait for a connection this stays below `ANSWER_DEADLINE`, so that the database gives up a
/// statement before the client does.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(10);

/// A third of the smallest container, which also holds the copies that running statements make.
const MEMORY_BYTES: usize = 160 * 1024 * 1024;

impl Config {
    pub fn read(env: &mut Env) -> Result<Self, Noted> {
        env.alias("GOOGLE_CLOUD_PROJECT", "GCP_PROJECT_ID");
        env.alias("GOOGLE_APPLICATION_CREDENTIALS", "GCP_CREDENTIALS_PATH");
        let url = env.required::<DatabaseUrl>("DATABASE_URL");
        let max_connections = env.count("DATABASE_MAX_CONNECTIONS", 4);
        let project = env.required("GOOGLE_CLOUD_PROJECT");
        let topic = env.or("PUBSUB_TOPIC_NAME", "events".to_owned());
        let emulator_host = env.optional("PUBSUB_EMULATOR_HOST");
        let credentials_file = env.optional("GOOGLE_APPLICATION_CREDENTIALS");
        let timeout = env.millis("PUBLISH_TIMEOUT_MS", 1000);
        let senders = senders(env);
        let requests_per_second = env.or("ADDRESS_RATE_LIMIT", 1000);
        let origins = env.or("CORS_ORIGINS", Origins::default());
        let body_bytes = env.or("MAX_BODY_BYTES", 1024 * 1024);
        let memory_bytes = memory_bytes(env, &body_bytes);
        let first_due = env.seconds("FIRST_DUE_SECONDS", 120);
        let key_hours = env.count("IDEMPOTENCY_KEY_HOURS", 24);
        Ok(Self {
            store: StoreConfig {
                max_connections: max_connections?,
                statement_timeout: STATEMENT_TIMEOUT,
                plans_once: true,
                ..StoreConfig::new(url?, "ingest")
            },
            publisher: PublisherConfig {
                project: project?,
                topic: topic?,
                emulator_host: emulator_host?,
                credentials_file: credentials_file?,
                timeout: timeout?,
            },
            senders: senders?,
            requests_per_second: NonZero::new(requests_per_second?),
            origins: origins?,
            limits: Limits {
                body_bytes: body_bytes?,
                memory_bytes: memory_bytes?,
                body_deadline: service::BODY_DEADLINE,
                answer_deadline: ANSWER_DEADLINE,
            },
            first_due: first_due?,
            keys_last: Duration::from_hours(u64::from(key_hours?)),
        })
    }
}

fn memory_bytes(env: &mut Env, body_bytes: &Result<usize, Noted>) -> Result<usize, Noted> {
    let bytes = env.or("REQUEST_MEMORY_BYTES", MEMORY_BYTES)?;
    match body_bytes {
        Ok(body_bytes) if bytes < memory::least(*body_bytes) => {
            let least = memory::least(*body_bytes);
            Err(env.mistake(
                "REQUEST_MEMORY_BYTES",
                format!("must be at least {least} with this MAX_BODY_BYTES"),
            ))
        }
        _ => Ok(bytes),
    }
}

fn senders(env: &mut Env) -> Result<Senders, Noted> {
    match env.or("INGEST_AUTH", "keys".to_owned())?.as_str() {
        "keys" => Ok(Senders::Keys),
        "iam" => Callers::google(env, "INGEST_ACCOUNTS").map(Senders::Callers),
        "off" => Ok(Senders::Callers(Callers::Everybody)),
        _ => Err(env.mistake("INGEST_AUTH", "must be keys, iam or off")),
    }
}
