use std::str::FromStr;
use std::time::Duration;

use gcp::PublisherConfig;
use service::{Env, Noted};
use store::{DatabaseUrl, StoreConfig};

pub struct Config {
    pub store: StoreConfig,
    pub publisher: PublisherConfig,
    pub auth: IngestAuth,
    pub limits: Limits,
    /// After this long the relay publishes what was not published here.
    pub first_due: Duration,
}

/// Who may send events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IngestAuth {
    /// Holders of an API key. There are no keys yet, so nobody.
    Keys,
    /// A Google identity that Cloud Run let in. It is not built yet, so nobody.
    Iam,
    /// Everybody who can reach the port.
    Off,
}

#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub body_bytes: usize,
    pub body_deadline: Duration,
}

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
        let auth = env.or("INGEST_AUTH", IngestAuth::Keys);
        let body_bytes = env.or("MAX_BODY_BYTES", 1024 * 1024);
        let first_due = env.seconds("FIRST_DUE_SECONDS", 120);
        Ok(Self {
            store: StoreConfig { max_connections: max_connections?, ..StoreConfig::new(url?, "ingest") },
            publisher: PublisherConfig {
                project: project?,
                topic: topic?,
                emulator_host: emulator_host?,
                credentials_file: credentials_file?,
                timeout: timeout?,
            },
            auth: auth?,
            limits: Limits { body_bytes: body_bytes?, body_deadline: service::BODY_DEADLINE },
            first_due: first_due?,
        })
    }
}

impl FromStr for IngestAuth {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "keys" => Ok(Self::Keys),
            "iam" => Ok(Self::Iam),
            "off" => Ok(Self::Off),
            _ => Err("must be keys, iam or off"),
        }
    }
}
