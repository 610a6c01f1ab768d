use std::str::FromStr;

use gcp::PublisherConfig;
use service::{Env, Noted};
use store::{DatabaseUrl, StoreConfig};

pub struct Config {
    pub store: StoreConfig,
    pub publisher: PublisherConfig,
    pub auth: AdminAuth,
}

/// Who may operate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdminAuth {
    /// Holders of a Google identity with a role. There are no roles yet, so nobody.
    Google,
    /// Whom Identity-Aware Proxy lets in. It is not built yet, so nobody.
    Iap,
    /// Everybody who can reach the port.
    Off,
}

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
        let auth = env.or("ADMIN_AUTH", AdminAuth::Google);
        Ok(Self {
            store: StoreConfig { max_connections: 4, ..StoreConfig::new(url?, "admin") },
            publisher: PublisherConfig {
                project: project?,
                topic: topic?,
                emulator_host: emulator_host?,
                credentials_file: credentials_file?,
                timeout: timeout?,
            },
            auth: auth?,
        })
    }
}

impl FromStr for AdminAuth {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "google" => Ok(Self::Google),
            "iap" => Ok(Self::Iap),
            "off" => Ok(Self::Off),
            _ => Err("must be google, iap or off"),
        }
    }
}
