/// The reason of a refusal, grouped by the possible reaction. The words are those of
/// <https://cloud.google.com/bigquery/docs/error-messages>.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The rows or the request are wrong.
    Invalid,
    /// The load is too much or too fast, and may succeed later.
    Quota,
    /// BigQuery itself failed, and another try may succeed.
    Backend,
    /// A right or billing is missing, and a person must act.
    Access,
    /// The project, dataset, table or job does not exist.
    NotFound,
    Other(String),
}

impl From<&str> for Reason {
    fn from(word: &str) -> Self {
        match word {
            "invalid" | "invalidQuery" | "parseError" | "badRequest" => Self::Invalid,
            "quotaExceeded" | "rateLimitExceeded" | "userRateLimitExceeded" | "jobRateLimitExceeded" => {
                Self::Quota
            }
            "backendError" | "internalError" | "jobBackendError" | "jobInternalError"
            | "tableUnavailable" | "timeout" => Self::Backend,
            "accessDenied"
            | "forbidden"
            | "authError"
            | "required"
            | "blocked"
            | "billingNotEnabled"
            | "accessNotConfigured" => Self::Access,
            "notFound" => Self::NotFound,
            other => Self::Other(other.into()),
        }
    }
}

impl Reason {
    /// The reason of a response with a status and no word, such as one from a proxy.
    pub(super) fn from_status(status: u16) -> Self {
        match status {
            400 => Self::Invalid,
            401 | 403 => Self::Access,
            404 => Self::NotFound,
            429 => Self::Quota,
            500.. => Self::Backend,
            other => Self::Other(other.to_string()),
        }
    }
}
