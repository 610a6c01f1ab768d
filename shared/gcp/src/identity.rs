//! Who is calling: the Google identity in a request's bearer token.

mod claims;
mod iap;
mod verified;

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use google_cloud_auth::credentials::idtoken::verifier::{self, Verifier};
use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::error::{Error, with_causes};
use crate::tls;
pub use iap::Iap;

use claims::Claims;
use verified::Verified;

/// What Cloud Run puts in the place of the signature once it has checked a token itself.
const STRIPPED: &str = "SIGNATURE_REMOVED_BY_GOOGLE";
/// Cloud Run checks this header in preference, and then passes `Authorization` on unchecked.
const SERVERLESS_AUTHORIZATION: &str = "x-serverless-authorization";
/// Long enough for a slow fetch of the keys, short enough for a push to be answered.
const KEYS_TIMEOUT: Duration = Duration::from_secs(5);

/// Who vouches for a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// We check the signature.
    Verify,
    /// Cloud Run's invoker check has done it. Only for a service that has that check on:
    /// anywhere else a caller could write any e-mail into a token.
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
    /// What a token must be made for: the base URL of the service.
    pub audience: String,
    /// Where the issuer's keys are; Google's, if not given.
    pub jwks_url: Option<String>,
}

/// Checks callers; clones share what has been verified.
#[derive(Debug, Clone)]
pub struct Identity {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    mode: Mode,
    audience: String,
    verifier: Mutex<Verifier>,
    verified: Verified,
}

/// A caller who is who he says and who may call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    pub email: String,
}

/// Why a request goes no further.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("a bearer token is required")]
    Missing,
    #[error("the token is not valid: {0}")]
    Invalid(String),
    #[error("{email} may not call this")]
    Forbidden { email: String },
    /// Nothing is known against the caller.
    #[error("the token cannot be checked now: {0}")]
    Unavailable(String),
}

impl Refusal {
    /// What an HTTP service answers.
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
        tls::ensure_provider();
        let mut verifier =
            verifier::Builder::new([&config.audience]).with_clock_skew(Duration::from_secs(claims::LEEWAY));
        if let Some(url) = config.jwks_url {
            verifier = verifier.with_jwks_url(url);
        }
        Ok(Self {
            shared: Arc::new(Shared {
                mode: config.mode,
                audience: config.audience,
                verifier: Mutex::new(verifier.build()),
                verified: Verified::default(),
            }),
        })
    }

    /// Takes all headers, not one, because which of them was checked is not the caller's choice.
    pub async fn check(&self, headers: &HeaderMap, allowed: &[String]) -> Result<Caller, Refusal> {
        let caller = self.caller(headers).await?;
        if allowed.contains(&caller.email) {
            Ok(caller)
        } else {
            Err(Refusal::Forbidden { email: caller.email })
        }
    }

    /// Whoever it is. That somebody has a token for this service says nothing: anybody can.
    pub async fn caller(&self, headers: &HeaderMap) -> Result<Caller, Refusal> {
        let email = self.email(bearer(headers)?).await?;
        Ok(Caller { email })
    }

    async fn email(&self, token: &str) -> Result<String, Refusal> {
        let now = jsonwebtoken::get_current_timestamp();
        if let Some(email) = self.shared.verified.email(token, now) {
            return Ok(email);
        }
        // The claims first: a token that is not for us does not make us fetch keys.
        let claims = Claims::read(token, &self.shared.audience, now)?;
        if self.shared.mode == Mode::CloudRun && signature(token) == STRIPPED {
            return Ok(claims.email);
        }
        self.verify(token).await?;
        self.shared.verified.remember(token, &claims, now);
        Ok(claims.email)
    }

    /// The verifier gives up where two calls at once want its key cache, so they take turns.
    /// Its fetch has no time limit of its own, so waiting and fetching share ours.
    async fn verify(&self, token: &str) -> Result<(), Refusal> {
        let verified =
            timeout(KEYS_TIMEOUT, async { self.shared.verifier.lock().await.verify(token).await }).await;
        match verified {
            Ok(Ok(_claims)) => Ok(()),
            Ok(Err(error)) => Err(refusal(&error)),
            Err(_elapsed) => Err(Refusal::Unavailable("the issuer's keys did not come in time".into())),
        }
    }
}

/// The library tells a key that is not among the issuer's from keys that could not be had only
/// by its words. Where they change, the answer becomes a 503, never a way in.
fn refusal(error: &verifier::Error) -> Refusal {
    let text = with_causes(error);
    if error.is_load_cert() && !text.contains("matching `kid`") {
        Refusal::Unavailable(text)
    } else {
        Refusal::Invalid(text)
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
