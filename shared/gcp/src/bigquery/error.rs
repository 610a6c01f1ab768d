use gcp_bigquery_client::error::BQError;
use serde::Deserialize;

use super::reason::Reason;
use crate::error::with_causes;

/// Why a call to BigQuery has no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Connect(#[from] crate::Error),
    /// BigQuery said no.
    #[error("BigQuery refused ({status}, {reason:?}): {message}")]
    Refused { status: u16, reason: Reason, message: String },
    /// A right is missing, and this is the one to grant.
    #[error("{message} {advice}")]
    MissingRight { message: String, advice: String },
    /// The table is another one than the rows are made for.
    #[error("the table {table} does not fit: {}", columns.join(", "))]
    Schema { table: String, columns: Vec<String> },
    /// No answer, or none that can be read: nothing is known.
    #[error("could not find out: {0}")]
    Unknown(String),
}

impl Error {
    pub(super) fn has_reason(&self, wanted: &Reason) -> bool {
        matches!(self, Self::Refused { reason, .. } if reason == wanted)
    }
}

impl From<BQError> for Error {
    fn from(error: BQError) -> Self {
        match error {
            BQError::ResponseError { error } => {
                let word = error.error.errors.first().and_then(|one| one.get("reason"));
                let status = u16::try_from(error.error.code).unwrap_or_default();
                Self::Refused {
                    status,
                    reason: word.map_or_else(|| Reason::from_status(status), |w| w.as_str().into()),
                    message: error.error.message,
                }
            }
            BQError::InvalidApplicationDefaultCredentialsAuthenticator(error) => {
                match error.downcast::<crate::Error>() {
                    Ok(error) => Self::Connect(error),
                    Err(error) => Self::Unknown(with_causes(&error)),
                }
            }
            other => Self::Unknown(with_causes(&other)),
        }
    }
}

/// The body of an error, as all of Google's older APIs send it.
#[derive(Debug, Deserialize)]
struct Body {
    error: Inner,
}

#[derive(Debug, Deserialize)]
struct Inner {
    message: String,
    #[serde(default)]
    errors: Vec<Item>,
}

#[derive(Debug, Deserialize)]
struct Item {
    reason: String,
}

/// What an error answer says, whoever wrote it.
pub(super) fn read_refusal(status: u16, body: &str) -> (Reason, String) {
    match serde_json::from_str::<Body>(body) {
        Ok(Body { error }) => {
            let word = error.errors.first().map(|item| item.reason.as_str());
            (word.map_or_else(|| Reason::from_status(status), Reason::from), error.message)
        }
        Err(_) => (Reason::from_status(status), body.chars().take(200).collect()),
    }
}
