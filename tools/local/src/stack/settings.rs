use std::{fmt::Display, str::FromStr};

use super::{Environment, Part, Ports};
use crate::{Error, postgres};

/// All settings of a stack. The host and the services use the same names.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    pub ports: Ports,
    pub database_url: Option<String>,
    pub google_pubsub: bool,
    pub project: String,
    pub topic: String,
    pub subscription: String,
    pub max_retries: u32,
    pub ack_deadline_seconds: u32,
    pub retry_min_seconds: u32,
    pub retry_max_seconds: u32,
    pub relay_every_seconds: u32,
    pub flush_every_seconds: u32,
    pub maintain_every_seconds: u32,
    pub environment: Environment,
}

impl Settings {
    /// Reports all mistakes at once.
    pub fn read(environment: &Environment) -> Result<Self, Error> {
        let mut read = Reader { environment, mistakes: Vec::new() };
        let settings = Self {
            ports: Ports::read(|name, default| read.or(name, default)),
            database_url: environment.get("DATABASE_URL").map(str::to_owned),
            google_pubsub: read.is_google("LOCAL_PUBSUB"),
            project: read.project(),
            topic: read.or("PUBSUB_TOPIC_NAME", "events".into()),
            subscription: read.or("PUBSUB_SUBSCRIPTION_NAME", "events-worker".into()),
            max_retries: read.or("MAX_RETRIES", 3),
            ack_deadline_seconds: read.or("ACK_DEADLINE_SECONDS", 20),
            retry_min_seconds: read.or("RETRY_MIN_SECONDS", 1),
            retry_max_seconds: read.or("RETRY_MAX_SECONDS", 10),
            relay_every_seconds: read.or("RELAY_EVERY_SECONDS", 2),
            flush_every_seconds: read.or("FLUSH_EVERY_SECONDS", 5),
            maintain_every_seconds: read.or("MAINTAIN_EVERY_SECONDS", 60),
            environment: environment.clone(),
        };
        let mut mistakes = read.mistakes;
        mistakes.extend(settings.ports.shared());
        if mistakes.is_empty() { Ok(settings) } else { Err(mistakes.join("\n").into()) }
    }

    /// Settings with random ports, which depend on no variable of the user's environment, only on `set`.
    pub fn on_free_ports(set: &[(&str, &str)]) -> Result<Self, Error> {
        let mut environment = Environment::basics();
        for (name, port) in Ports::free()? {
            environment = environment.set(name, port);
        }
        for (name, value) in set {
            environment = environment.set(name, value);
        }
        Self::read(&environment)
    }

    pub fn dead_letter_topic(&self) -> String {
        format!("{}-dead-letter", self.topic)
    }

    pub fn dead_letter_subscription(&self) -> String {
        format!("{}-dead-letter-worker", self.topic)
    }

    pub fn account(&self, name: &str) -> String {
        format!("{name}@{}.iam.gserviceaccount.com", self.project)
    }

    pub fn database(&self) -> String {
        let own = || postgres::url(self.ports.of(Part::Postgres));
        self.database_url.clone().unwrap_or_else(own)
    }

    pub fn url(&self, part: Part) -> String {
        format!("http://localhost:{}", self.ports.of(part))
    }
}

struct Reader<'a> {
    environment: &'a Environment,
    mistakes: Vec<String>,
}

impl Reader<'_> {
    fn or<T: FromStr<Err: Display>>(&mut self, name: &str, default: T) -> T {
        let Some(value) = self.environment.get(name) else {
            return default;
        };
        value.parse().unwrap_or_else(|error| {
            self.mistakes.push(format!("{name}: {error}"));
            default
        })
    }

    fn project(&mut self) -> String {
        let old = self.or("GCP_PROJECT_ID", "eventflow-local".into());
        self.or("GOOGLE_CLOUD_PROJECT", old)
    }

    fn is_google(&mut self, name: &str) -> bool {
        match self.environment.get(name) {
            None => false,
            Some("google") => true,
            Some(_) => {
                self.mistakes.push(format!("{name}: `google`, or nothing for the stand-in"));
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn mistakes(environment: &Environment) -> String {
        Settings::read(environment).err().unwrap().to_string()
    }

    #[test]
    fn all_mistakes_are_told_at_once_and_by_name() {
        let told = mistakes(
            &Environment::default()
                .set("INGEST_PORT", "many")
                .set("ADMIN_PORT", "8083")
                .set("LOCAL_PUBSUB", "googol")
                .set("MAX_RETRIES", "-1"),
        );
        for name in ["INGEST_PORT", "ADMIN_PORT", "LOCAL_PUBSUB", "MAX_RETRIES"] {
            assert!(told.contains(name), "{name} is missing in\n{told}");
        }
        assert_eq!(told.lines().count(), 4, "{told}");
    }

    #[test]
    fn an_empty_value_counts_as_unset() {
        let settings = Settings::read(&Environment::default().set("INGEST_PORT", "")).unwrap();
        assert_eq!(settings.ports.of(Part::Ingest), 8080);
    }

    #[test]
    fn the_project_has_an_old_name() {
        let old = Environment::default().set("GCP_PROJECT_ID", "old");
        assert_eq!(Settings::read(&old).unwrap().project, "old");
        let both = old.set("GOOGLE_CLOUD_PROJECT", "new");
        assert_eq!(Settings::read(&both).unwrap().project, "new");
    }
}
