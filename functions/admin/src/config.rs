use door::Callers;
use gcp::PublisherConfig;
use service::{Env, Noted};
use store::{DatabaseUrl, StoreConfig};

use crate::Roles;

pub struct Config {
    pub store: StoreConfig,
    pub publisher: PublisherConfig,
    /// The callers that may use the service.
    pub callers: Callers,
    pub roles: Roles,
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
        let roles = Roles::read(env);
        let callers = callers(env, roles.as_ref().ok());
        Ok(Self {
            store: StoreConfig { max_connections: 4, ..StoreConfig::new(url?, "admin") },
            publisher: PublisherConfig {
                project: project?,
                topic: topic?,
                emulator_host: emulator_host?,
                credentials_file: credentials_file?,
                timeout: timeout?,
            },
            callers: callers?,
            roles: roles?,
        })
    }
}

/// A service without any setting for identities admits nobody.
fn callers(env: &mut Env, roles: Option<&Roles>) -> Result<Callers, Noted> {
    match env.optional::<String>("ADMIN_AUTH")?.as_deref() {
        None if env.optional::<String>("IDENTITY_AUDIENCE")?.is_none() => Ok(Callers::Nobody(
            "an identity is required, and this service was not told whose: ADMIN_AUTH is not set",
        )),
        None | Some("google") => {
            Callers::google_accounts(env, roles.map(Roles::emails).unwrap_or_default(), "ADMIN_OWNERS")
        }
        Some("iap") => iap(env),
        Some("off") => Ok(Callers::Everybody),
        Some(_) => Err(env.mistake("ADMIN_AUTH", "must be google, iap or off")),
    }
}

fn iap(env: &mut Env) -> Result<Callers, Noted> {
    let audience = env.required("IAP_AUDIENCE");
    let keys_url = env.optional("IAP_JWKS_URL");
    Ok(Callers::Iap { audience: audience?, keys_url: keys_url? })
}
