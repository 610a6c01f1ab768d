use super::Part;
use crate::{Error, ports};

/// The parts that listen. Each has the variable that sets its port, and the default port.
const LISTENING: [(Part, &str, u16); 8] = [
    (Part::Ingest, "INGEST_PORT", 8080),
    (Part::ProcessPush, "PROCESS_PUSH_PORT", 8081),
    (Part::Admin, "ADMIN_PORT", 8082),
    (Part::BqFlush, "BQ_FLUSH_PORT", 8083),
    (Part::Pubsub, "PUBSUB_PORT", 8085),
    (Part::Oidc, "OIDC_PORT", 8086),
    (Part::Bigquery, "BIGQUERY_PORT", 9050),
    (Part::Postgres, "POSTGRES_PORT", 5433),
];

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ports([u16; LISTENING.len()]);

impl Ports {
    pub(super) fn read(mut port: impl FnMut(&str, u16) -> u16) -> Self {
        Self(LISTENING.map(|(_, name, default)| port(name, default)))
    }

    /// Returns variables that move a stack to free ports.
    pub(super) fn free() -> Result<[(&'static str, String); LISTENING.len()], Error> {
        let free = ports::free::<{ LISTENING.len() }>()?;
        let mut free = free.iter();
        Ok(LISTENING.map(|(_, name, default)| (name, free.next().unwrap_or(&default).to_string())))
    }

    /// Only parts that listen have a port. The scheduler only calls.
    pub fn of(&self, part: Part) -> u16 {
        self.all().find(|(listening, ..)| *listening == part).map_or(0, |(_, _, port)| port)
    }

    fn all(&self) -> impl Iterator<Item = (Part, &'static str, u16)> {
        LISTENING.iter().zip(self.0).map(|((part, name, _), port)| (*part, *name, port))
    }

    pub(super) fn shared(&self) -> Vec<String> {
        let all: Vec<_> = self.all().collect();
        let pairs = all.iter().enumerate().flat_map(|(index, first)| {
            all[index + 1..]
                .iter()
                .filter(|second| first.2 == second.2)
                .map(move |second| format!("{} and {} are both {}", first.1, second.1, first.2))
        });
        pairs.collect()
    }

    /// Fails with a list of the ports that are taken.
    pub fn check_free(&self, is_needed: impl Fn(Part) -> bool) -> Result<(), Error> {
        let taken: Vec<String> = self
            .all()
            .filter(|(part, _, port)| is_needed(*part) && ports::is_taken(*port))
            .map(|(part, name, port)| {
                let by = ports::holder(port).map_or_else(String::new, |by| format!(" by {by}"));
                format!("port {port} of {part} is taken{by}; set {name} to another port")
            })
            .collect();
        if taken.is_empty() { Ok(()) } else { Err(taken.join("\n").into()) }
    }
}
