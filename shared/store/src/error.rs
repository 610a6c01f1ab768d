/// An error of the store. The variant says what a caller can do about it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database is unavailable, full, or read-only. Whether the statement took effect may be unknown.
    #[error("the database is not available: {0}")]
    Unavailable(#[source] sqlx::Error),
    /// The database refuses this data and always will.
    #[error("the database refuses the data: {0}")]
    Refused(#[source] sqlx::Error),
    /// The ids of the batch are far from the database's time. Nothing was stored.
    #[error("ids are minted far from the database's time, {database_time:?} since 1970")]
    ClockOff { database_time: std::time::Duration },
    /// A cursor does not belong to this database.
    #[error("{0}")]
    Foreign(String),
    #[error("the database has no tables yet: run `admin migrate`")]
    NotMigrated,
    #[error(transparent)]
    Database(sqlx::Error),
    #[error(transparent)]
    Migrate(#[from] sqlx::migrate::MigrateError),
    #[error("a task of the store ended: {0}")]
    Task(#[from] tokio::task::JoinError),
}

/// The error code for an id that no partition holds.
pub(crate) const CHECK_VIOLATION: &str = "23514";

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error as E;
        match &error {
            E::Io(_) | E::Tls(_) | E::PoolTimedOut | E::PoolClosed | E::WorkerCrashed | E::Protocol(_) => {
                Self::Unavailable(error)
            }
            E::Database(database) => match database.code().as_deref() {
                Some(code) if is_outage(code) => Self::Unavailable(error),
                Some(code) if code.starts_with("22") || code.starts_with("23") => Self::Refused(error),
                _ => Self::Database(error),
            },
            _ => Self::Database(error),
        }
    }
}

/// The classes of an outage: connection (08), invalid login (28) while a role is being made, rollback (40), resources
/// (53), program limit (54), intervention and start-up (57), and 25006, a node that has become read-only.
fn is_outage(code: &str) -> bool {
    code == "25006" || ["08", "28", "40", "53", "57"].iter().any(|class| code.starts_with(class))
}

impl Error {
    /// True if the session was lost or could not be opened, which is not the fault of the statement.
    pub fn is_loss_of_session(&self) -> bool {
        let Self::Unavailable(error) = self else { return false };
        let lost = |code: &str| {
            ["08", "28", "53", "57P"].iter().any(|class| code.starts_with(class)) || code == "25006"
        };
        error.as_database_error().is_none_or(|error| error.code().is_some_and(|code| lost(&code)))
    }

    /// True if no connection was free in time. Nothing was sent to the database.
    pub fn is_wait_for_connection(&self) -> bool {
        matches!(self, Self::Unavailable(sqlx::Error::PoolTimedOut))
    }

    /// True if the server ended a statement that took longer than its limit.
    pub fn is_statement_timeout(&self) -> bool {
        self.code().as_deref() == Some("57014")
    }

    /// The reason why a service waits for the database, as a text that may be public. The database's own words may name
    /// a role, a host or a table.
    pub fn missing(&self) -> &'static str {
        match (self, self.code().as_deref().unwrap_or_default()) {
            (Self::NotMigrated, _) => "the database has no tables yet: run `admin migrate`",
            (_, code) if code.starts_with("28") => "the database refuses the account",
            (_, "3D000") => "the server has no such database",
            (_, "42501") => "the account may not do in the database what the service does",
            (_, "25006") => "the database is read-only",
            (_, "53300") => "the database has no connection left",
            (_, code) if code.starts_with("57P") => "the database is starting or stopping",
            (Self::Unavailable(_), "") => "the database cannot be reached",
            _ => "the database does not do what it is asked: the log has its words",
        }
    }

    pub(crate) fn code(&self) -> Option<String> {
        match self {
            Self::Unavailable(e) | Self::Refused(e) | Self::Database(e) => {
                Some(e.as_database_error()?.code()?.into_owned())
            }
            _ => None,
        }
    }
}

/// The error for a value of the database that the code cannot interpret.
pub(crate) fn unexpected(error: impl Into<sqlx::error::BoxDynError>) -> Error {
    Error::Database(sqlx::Error::Decode(error.into()))
}
