/// The reason why a client for Google Cloud could not be made.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// There are no credentials, or they cannot be used.
    #[error(
        "no usable Google credentials (set GOOGLE_APPLICATION_CREDENTIALS to a key file, run \
         `gcloud auth application-default login`, or run on Google Cloud with a service \
         account): {0}"
    )]
    Credentials(String),
    /// The settings name something that cannot exist.
    #[error("{0}")]
    Config(String),
}

/// The error with all its causes, since the Google libraries keep the reason in the source.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}
