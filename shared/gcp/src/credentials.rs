use std::path::Path;

use google_cloud_auth::credentials::{
    AccessTokenCredentials, Builder, external_account, impersonated, service_account, user_account,
};
use serde_json::Value;

use crate::error::{Error, with_causes};

/// Google's credentials: those of the file if one is named, otherwise Application Default Credentials. This only reads
/// files. The library fetches, caches and renews the tokens later.
pub(crate) fn load(file: Option<&Path>) -> Result<AccessTokenCredentials, Error> {
    match file {
        Some(path) => from_file(path),
        None => Builder::default()
            .build_access_token_credentials()
            .map_err(|error| Error::Credentials(with_causes(&error))),
    }
}

/// Reads the kind of credentials from the file. The library does this only for the file that the environment names.
fn from_file(path: &Path) -> Result<AccessTokenCredentials, Error> {
    let wrong = |what: &dyn std::fmt::Display| Error::Credentials(format!("{}: {what}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| wrong(&error))?;
    let json: Value = serde_json::from_str(&text).map_err(|error| wrong(&error))?;
    let built = match json["type"].as_str() {
        Some("service_account") => service_account::Builder::new(json).build_access_token_credentials(),
        Some("authorized_user") => user_account::Builder::new(json).build_access_token_credentials(),
        Some("impersonated_service_account") => {
            impersonated::Builder::new(json).build_access_token_credentials()
        }
        Some("external_account") => external_account::Builder::new(json).build_access_token_credentials(),
        _ => {
            return Err(wrong(&"the field \"type\" names no kind of credentials that is known"));
        }
    };
    built.map_err(|error| wrong(&with_causes(&error)))
}
