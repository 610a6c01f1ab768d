//! The identity of a caller: the Google account in a request's bearer token.

mod claims;
mod iap;
mod keys;
mod verified;

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};
use jsonwebtoken::{Algorithm, Validation, decode, decode_header};

use crate::error::Error;
pub use iap::Iap;

use claims::Claims;
use keys::Keys;
use verified::Verified;

/// The text that Cloud Run puts in place of the signature after it has checked a token itself.
const STRIPPED: &str = "SIGNATURE_REMOVED_BY_GOOGLE";
/// Cloud Run checks this header in preference to `Authorization`, which it then passes on unchecked.
const SERVERLESS_AUTHORIZATION: &str = "x-serverless-authorization";
const GOOGLE_KEYS: &str = "https://www.googleapis.com/oauth2/v3/certs";

/// The time limit for the keys: long enough for a slow fetch, and short enough for a push to be answered.
const KEYS_TIMEOUT: Duration = Duration::from_secs(5);

/// The party that checks the signature of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// This service checks the signature.
    Verify,
    /// Cloud Run's invoker check has checked the signature. This mode is only for a service that has that check on.
    /// Anywhere else a caller could write any e-mail address into a token.
    CloudRun,
}

impl FromStr for Mode {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "verify" => Ok(Self::Verify),
            "cloud-run" => Ok(Self::CloudRun),
            _ => Err(Error::Config(format!("\"{text}\" is neither \"verify\" nor \"cloud-run\""))),
        }
    }
}

#[derive(Debug, Clone)]
pub struct IdentityConfig {
    pub mode: Mode,
    /// The audience that a token must be made for: the base URL of the service.
    pub audience: String,
    /// The URL of the issuer's keys. If it is not given, Google's keys are used.
    pub jwks_url: Option<String>,
}

/// Checks callers. Clones share the verified tokens.
#[derive(Debug, Clone)]
pub struct Identity {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    mode: Mode,
    audience: String,
    keys: Keys,
    verified: Verified,
}

/// A caller with a verified identity, who may call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    pub email: String,
}

/// The reason why a caller is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("a bearer token is required")]
    Missing,
    #[error("the token is not valid: {0}")]
    Invalid(String),
    #[error("{email} may not call this")]
    Forbidden { email: String },
    /// The token could not be checked, which says nothing against the caller.
    #[error("the token cannot be checked now: {0}")]
    Unavailable(String),
}

impl Refusal {
    /// The status with which an HTTP service answers.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Missing | Self::Invalid(_) => StatusCode::UNAUTHORIZED,
            Self::Forbidden { .. } => StatusCode::FORBIDDEN,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

impl Identity {
    pub fn new(config: IdentityConfig) -> Result<Self, Error> {
        if config.audience.is_empty() {
            return Err(Error::Config("the audience is empty".into()));
        }
        let keys = Keys::new(config.jwks_url.unwrap_or_else(|| GOOGLE_KEYS.to_owned()))?;
        Ok(Self {
            shared: Arc::new(Shared {
                mode: config.mode,
                audience: config.audience,
                keys,
                verified: Verified::default(),
            }),
        })
    }

    /// Checks that the caller is one of the allowed accounts. This takes all headers, since the caller must not choose
    /// which of them was checked.
    pub async fn check(&self, headers: &HeaderMap, allowed: &[String]) -> Result<Caller, Refusal> {
        self.admit(headers, |email| allowed.iter().any(|allowed| allowed == email)).await
    }

    /// Checks the token and admits every account. A token for this service is no permission, since every Google account
    /// can get one.
    pub async fn caller(&self, headers: &HeaderMap) -> Result<Caller, Refusal> {
        self.admit(headers, |_| true).await
    }

    /// Remembers only the tokens of accounts that may call. Every Google account can get any number of tokens for this
    /// service, and these would drive out those of the real callers.
    async fn admit(&self, headers: &HeaderMap, may_call: impl Fn(&str) -> bool) -> Result<Caller, Refusal> {
        let token = bearer(headers)?;
        let now = jsonwebtoken::get_current_timestamp();
        let may_call = |email: String| {
            if may_call(&email) { Ok(Caller { email }) } else { Err(Refusal::Forbidden { email }) }
        };
        if let Some(email) = self.shared.verified.email(token, now) {
            return may_call(email);
        }
        // The claims are checked first, so that a token for another service causes no fetch of keys.
        let claims = Claims::read(token, &self.shared.audience, now)?;
        if self.shared.mode == Mode::CloudRun && signature(token) == STRIPPED {
            return may_call(claims.email);
        }
        self.verify(token).await?;
        let caller = may_call(claims.email.clone())?;
        self.shared.verified.remember(token, &claims, now);
        Ok(caller)
    }

    async fn verify(&self, token: &str) -> Result<(), Refusal> {
        let invalid = |error: jsonwebtoken::errors::Error| Refusal::Invalid(error.to_string());
        let kid = decode_header(token).map_err(invalid)?.kid;
        let kid = kid.ok_or_else(|| Refusal::Invalid("it names no key (kid)".into()))?;
        let key = self.shared.keys.find(&kid).await?;
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_audience(&[&self.shared.audience]);
        validation.set_issuer(&claims::ISSUERS);
        validation.set_required_spec_claims(&["exp", "aud", "iss"]);
        validation.leeway = claims::LEEWAY;
        decode::<Claims>(token, &key, &validation).map(|_| ()).map_err(invalid)
    }
}

fn signature(token: &str) -> &str {
    token.rsplit('.').next().unwrap_or_default()
}

fn bearer(headers: &HeaderMap) -> Result<&str, Refusal> {
    let name = if headers.contains_key(SERVERLESS_AUTHORIZATION) {
        SERVERLESS_AUTHORIZATION
    } else {
        AUTHORIZATION.as_str()
    };
    let mut values = headers.get_all(name).iter();
    let value = values.next().ok_or(Refusal::Missing)?;
    if values.next().is_some() {
        return Err(Refusal::Invalid(format!("more than one {name} header")));
    }
    let text = value.to_str().map_err(|_| Refusal::Missing)?;
    let (scheme, token) = text.split_once(' ').ok_or(Refusal::Missing)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim()) } else { Err(Refusal::Missing) }
}
