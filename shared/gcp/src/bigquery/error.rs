use gcp_bigquery_client::error::BQError;
use serde::Deserialize;

use super::reason::Reason;
use crate::error::with_causes;

/// The reason why a call to BigQuery has no result.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Connect(#[from] crate::Error),
    /// BigQuery refused the call.
    #[error("BigQuery refused ({status}, {reason:?}): {message}")]
    Refused { status: u16, reason: Reason, message: String },
    /// A right is missing. The advice says which one to grant.
    #[error("{message} {advice}")]
    MissingRight { message: String, advice: String },
    /// The table does not fit the rows.
    #[error("the table {table} does not fit: {}", columns.join(", "))]
    Schema { table: String, columns: Vec<String> },
    /// There is no answer, or no readable one, so the result is unknown.
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

/// The body of an error, in the format of all of Google's older APIs.
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

/// Reads the reason and the message of an error response, even if a proxy wrote it.
pub(super) fn read_refusal(status: u16, body: &str) -> (Reason, String) {
    match serde_json::from_str::<Body>(body) {
        Ok(Body { error }) => {
            let word = error.errors.first().map(|item| item.reason.as_str());
            (word.map_or_else(|| Reason::from_status(status), Reason::from), error.message)
        }
        Err(_) => (Reason::from_status(status), body.chars().take(200).collect()),
    }
}
