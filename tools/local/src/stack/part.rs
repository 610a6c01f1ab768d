use std::fmt;

/// The processes of the stack.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Part {
    Postgres,
    Oidc,
    Pubsub,
    Bigquery,
    Ingest,
    ProcessPush,
    Admin,
    BqFlush,
    Scheduler,
}

impl Part {
    pub const SERVICES: [Self; 4] = [Self::Ingest, Self::ProcessPush, Self::Admin, Self::BqFlush];

    pub fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Oidc => "oidc",
            Self::Pubsub => "pubsub",
            Self::Bigquery => "bigquery",
            Self::Ingest => "ingest",
            Self::ProcessPush => "process-push",
            Self::Admin => "admin",
            Self::BqFlush => "bq-flush",
            Self::Scheduler => "scheduler",
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
