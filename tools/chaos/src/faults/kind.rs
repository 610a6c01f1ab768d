use clap::ValueEnum;

/// The kinds of faults, with the names that `--only` takes and that the report counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Kind {
    Kill,
    Freeze,
    StarvedCpu,
    Overtaken,
    Terminate,
    RequestLost,
    ResponseLost,
    Delay,
    HalfOpen,
    Reset,
    ImpatientClients,
    DatabaseCrash,
    ConnectionsTerminated,
    ConnectionsExhausted,
    ReadOnly,
    WriterElsewhere,
    HeldTransaction,
    Duplicates,
    LateDuplicates,
    Delayed,
    Reordered,
    Dropped,
    PublishRefused,
    PubsubAway,
    Status500,
    Status503,
    Status429,
    AcceptedWithoutAnswer,
    UploadCut,
    JobFails,
    BigquerySlow,
    BigqueryAway,
    Replays,
    Upgrade,
    WrongClock,
    DiskFull,
}

impl Kind {
    /// The number of cards of this kind in a deck.
    pub(crate) fn copies(self) -> usize {
        match self {
            Self::Kill => 8,
            Self::Freeze | Self::RequestLost | Self::ResponseLost | Self::Reset => 3,
            Self::Terminate
            | Self::StarvedCpu
            | Self::Overtaken
            | Self::Delay
            | Self::HalfOpen
            | Self::Replays => 2,
            _ => 1,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Kill => "SIGKILL",
            Self::Freeze => "SIGSTOP beyond the lease, SIGCONT",
            Self::StarvedCpu => "bursts of SIGSTOP, as with little CPU",
            Self::Overtaken => "an attempt held until it is overtaken",
            Self::Terminate => "SIGTERM amid requests",
            Self::RequestLost => "edge: request lost",
            Self::ResponseLost => "edge: response lost",
            Self::Delay => "edge: delay",
            Self::HalfOpen => "edge: half-open, then back",
            Self::Reset => "edge: connections reset",
            Self::ImpatientClients => "clients hang up, database slow",
            Self::DatabaseCrash => "PostgreSQL: immediate stop, start",
            Self::ConnectionsTerminated => "PostgreSQL: connections terminated",
            Self::ConnectionsExhausted => "PostgreSQL: max_connections exhausted",
            Self::ReadOnly => "PostgreSQL: read-only",
            Self::WriterElsewhere => "PostgreSQL: open writer in another database",
            Self::HeldTransaction => "PostgreSQL: a transaction held",
            Self::Duplicates => "Pub/Sub: duplicates",
            Self::LateDuplicates => "Pub/Sub: duplicates long after the ack",
            Self::Delayed => "Pub/Sub: delay",
            Self::Reordered => "Pub/Sub: reordering",
            Self::Dropped => "Pub/Sub: messages dropped",
            Self::PublishRefused => "Pub/Sub: publish refused",
            Self::PubsubAway => "Pub/Sub: away",
            Self::Status500 => "BigQuery: 500",
            Self::Status503 => "BigQuery: 503",
            Self::Status429 => "BigQuery: 429",
            Self::AcceptedWithoutAnswer => "BigQuery: job accepted without an answer",
            Self::UploadCut => "BigQuery: connection lost in mid-upload",
            Self::JobFails => "BigQuery: job ends in error",
            Self::BigquerySlow => "BigQuery: slow",
            Self::BigqueryAway => "BigQuery: away",
            Self::Replays => "operator: replays",
            Self::Upgrade => "rolling upgrade with a migration",
            Self::WrongClock => "a clock an hour off",
            Self::DiskFull => "PostgreSQL: disk full",
        }
    }
}
