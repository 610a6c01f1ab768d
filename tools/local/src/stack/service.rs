use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use super::{Part, Settings, stand_in::issuer};
use crate::process::Program;

/// The numbers of a laptop, and the authentication that is off on it. Values that the user sets take precedence.
const DEFAULTS: [(&str, &str); 14] = [
    ("BIGQUERY_DATASET_ID", "eventflow"),
    ("BIGQUERY_TABLE_ID", "events"),
    ("INGEST_AUTH", "off"),
    ("ADDRESS_RATE_LIMIT", "0"),
    ("ADMIN_AUTH", "off"),
    ("DEMO_HANDLERS", "true"),
    ("HANDLER_LIMIT_SECONDS", "10"),
    ("LEASE_SECONDS", "15"),
    ("FIRST_DUE_SECONDS", "20"),
    ("DUE_STEP_SECONDS", "35"),
    ("FLUSH_LIMIT_SECONDS", "30"),
    ("FLUSH_LEASE_SECONDS", "15"),
    ("FLUSH_LONGEST_WAIT_SECONDS", "10"),
    // The limit of the BigQuery stand-in.
    ("FLUSH_JOBS_PER_DAY", "20000"),
];

/// One of the four services.
pub(super) struct Service {
    part: Part,
    binary: PathBuf,
    settings: Settings,
    client: reqwest::Client,
}

impl Service {
    pub(super) fn new(part: Part, programs: &Path, settings: &Settings) -> Self {
        Self {
            part,
            binary: programs.join(part.name()),
            settings: settings.clone(),
            client: reqwest::Client::new(),
        }
    }
}

impl Program for Service {
    fn name(&self) -> &'static str {
        self.part.name()
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        equip(&mut command, self.part, &self.settings);
        command
    }

    async fn is_ready(&self, _pid: u32) -> bool {
        let url = format!("http://127.0.0.1:{}/ready", self.settings.ports.of(self.part));
        let request = self.client.get(url).timeout(Duration::from_secs(1));
        request.send().await.is_ok_and(|response| response.status().is_success())
    }
}

/// Gives a command the environment of a service.
pub(super) fn equip(command: &mut Command, part: Part, settings: &Settings) {
    settings.environment.pass_on(command);
    for (name, value) in DEFAULTS {
        if settings.environment.get(name).is_none() {
            command.env(name, value);
        }
    }
    let ports = &settings.ports;
    command
        .env("HOST", "127.0.0.1")
        .env("PORT", ports.of(part).to_string())
        .env("DATABASE_URL", settings.database())
        .env("GOOGLE_CLOUD_PROJECT", &settings.project)
        .env("PUBSUB_TOPIC_NAME", &settings.topic)
        .env("PUBSUB_SUBSCRIPTION_NAME", &settings.subscription)
        .env("PUBSUB_EMULATOR_HOST", local(ports.of(Part::Pubsub)))
        .env("BIGQUERY_EMULATOR_HOST", local(ports.of(Part::Bigquery)))
        .env("IDENTITY", "verify")
        .env("IDENTITY_AUDIENCE", settings.url(part))
        .env("PUSH_ACCOUNT", settings.account("pusher"))
        .env("SCHEDULER_ACCOUNT", settings.account("scheduler"))
        .env("JWKS_URL", format!("{}/certs", issuer(settings)))
        .env("MAX_RETRIES", settings.max_retries.to_string())
        .env("ACK_DEADLINE_SECONDS", settings.ack_deadline_seconds.to_string())
        .env("RETRY_MIN_SECONDS", settings.retry_min_seconds.to_string())
        .env("RETRY_MAX_SECONDS", settings.retry_max_seconds.to_string());
}

fn local(port: u16) -> String {
    format!("localhost:{port}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::{collections::BTreeMap, ffi::OsStr};

    use super::{super::Environment, *};

    fn given(set: &[(&str, &str)]) -> BTreeMap<String, String> {
        let set = set.iter();
        passed_on(&set.fold(Environment::default(), |all, (name, value)| all.set(name, *value)))
    }

    fn passed_on(environment: &Environment) -> BTreeMap<String, String> {
        let mut command = Command::new("ingest");
        equip(&mut command, Part::Ingest, &Settings::read(environment).unwrap());
        let text = |text: &OsStr| text.to_str().unwrap().to_owned();
        let all = command.get_envs();
        all.filter_map(|(name, value)| Some((text(name), text(value?)))).collect()
    }

    #[test]
    fn a_service_is_told_where_everything_is() {
        let given = given(&[("INGEST_PORT", "9001"), ("PUBSUB_PORT", "9002")]);
        let is = |name, value| assert_eq!(given[name], value, "{name}");
        is("PORT", "9001");
        is("PUBSUB_EMULATOR_HOST", "localhost:9002");
        is("DATABASE_URL", "postgres://postgres@127.0.0.1:5433/postgres");
        is("IDENTITY_AUDIENCE", "http://localhost:9001");
        is("PUSH_ACCOUNT", "pusher@eventflow-local.iam.gserviceaccount.com");
        is("JWKS_URL", "http://127.0.0.1:8086/certs");
    }

    #[test]
    fn what_the_person_has_set_wins() {
        let given = given(&[("LEASE_SECONDS", "16"), ("INGEST_AUTH", "keys"), ("MY_OWN", "1")]);
        let is = |name, value| assert_eq!(given[name], value, "{name}");
        is("LEASE_SECONDS", "16");
        is("HANDLER_LIMIT_SECONDS", "10");
        is("INGEST_AUTH", "keys");
        is("ADMIN_AUTH", "off");
        is("MY_OWN", "1");
    }

    #[test]
    fn the_keys_to_a_real_cloud_stay_here() {
        let given = given(&[("GOOGLE_APPLICATION_CREDENTIALS", "/key.json"), ("PORT", "1")]);
        assert!(!given.contains_key("GOOGLE_APPLICATION_CREDENTIALS"));
        assert_eq!(given["PORT"], "8080");
    }

    #[test]
    fn the_example_file_has_the_defaults() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.env.example");
        let file = Environment::of_file(&path).unwrap();
        let without = |environment: &Environment| Settings {
            environment: Environment::default(),
            ..Settings::read(environment).unwrap()
        };
        assert_eq!(without(&file), without(&Environment::default()));

        let listed = passed_on(&file);
        for (name, value) in given(&[]) {
            assert_eq!(listed[&name], value, "{name}");
        }
        assert_eq!(listed["INGEST_AUTH"], "off");
    }
}
