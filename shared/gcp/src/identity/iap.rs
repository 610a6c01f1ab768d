use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::{Caller, KEYS_TIMEOUT, Refusal, claims};
use crate::error::{Error, with_causes};
use crate::tls;

const HEADER: &str = "x-goog-iap-jwt-assertion";
const ISSUER: &str = "https://cloud.google.com/iap";
const KEYS: &str = "https://www.gstatic.com/iap/verify/public_key-jwk";
/// Keys change every few days. A key that is not known is a reason to look again, though not for everybody who invents one.
const LOOK_AGAIN: Duration = Duration::from_mins(1);

/// Checks the assertion of Identity-Aware Proxy, which has chosen who may come in. It is another token than Google's own:
/// ES256, another issuer, another header, and the audience of the service.
#[derive(Debug, Clone)]
pub struct Iap {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    audience: String,
    keys_url: String,
    client: reqwest::Client,
    keys: Mutex<Keys>,
}

#[derive(Debug)]
struct Keys {
    set: JwkSet,
    fetched: Option<Instant>,
}

#[derive(Deserialize)]
struct Assertion {
    email: String,
    /// The proxy speaks of it only where it knows better than that Google has signed somebody in.
    email_verified: Option<bool>,
}

impl Iap {
    /// `audience` is `/projects/NUMBER/locations/REGION/services/SERVICE` for IAP on Cloud Run.
    pub fn new(audience: String, keys_url: Option<String>) -> Result<Self, Error> {
        tls::ensure_provider();
        let client = reqwest::Client::builder()
            .timeout(KEYS_TIMEOUT)
            .build()
            .map_err(|error| Error::Config(with_causes(&error)))?;
        let keys = Keys { set: JwkSet { keys: Vec::new() }, fetched: None };
        let keys_url = keys_url.unwrap_or_else(|| KEYS.to_owned());
        Ok(Self { shared: Arc::new(Shared { audience, keys_url, client, keys: Mutex::new(keys) }) })
    }

    pub async fn caller(&self, headers: &HeaderMap) -> Result<Caller, Refusal> {
        let mut values = headers.get_all(HEADER).iter();
        let value = values.next().ok_or(Refusal::Missing)?;
        if values.next().is_some() {
            return Err(Refusal::Invalid(format!("more than one {HEADER} header")));
        }
        let token = value.to_str().map_err(|_| Refusal::Invalid("not text".into()))?;
        let header = decode_header(token).map_err(|error| Refusal::Invalid(error.to_string()))?;
        let kid = header.kid.ok_or_else(|| Refusal::Invalid("it names no key".into()))?;
        let key = self.key(&kid).await?;
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_audience(&[&self.shared.audience]);
        validation.set_issuer(&[ISSUER]);
        validation.set_required_spec_claims(&["exp", "aud", "iss"]);
        validation.leeway = claims::LEEWAY;
        let assertion = decode::<Assertion>(token, &key, &validation)
            .map_err(|error| Refusal::Invalid(error.to_string()))?;
        if assertion.claims.email_verified == Some(false) {
            return Err(Refusal::Invalid("its e-mail address is not verified".into()));
        }
        Ok(Caller { email: assertion.claims.email })
    }

    async fn key(&self, kid: &str) -> Result<DecodingKey, Refusal> {
        let mut keys = self.shared.keys.lock().await;
        let may_look = keys.fetched.is_none_or(|fetched| fetched.elapsed() >= LOOK_AGAIN);
        if keys.set.find(kid).is_none() && may_look {
            keys.set = self.fetch().await.map_err(|error| Refusal::Unavailable(with_causes(&error)))?;
            keys.fetched = Some(Instant::now());
        }
        let jwk = keys.set.find(kid).ok_or_else(|| Refusal::Invalid("its key is not one of IAP's".into()))?;
        DecodingKey::from_jwk(jwk).map_err(|error| Refusal::Unavailable(error.to_string()))
    }

    async fn fetch(&self) -> Result<JwkSet, reqwest::Error> {
        self.shared.client.get(&self.shared.keys_url).send().await?.error_for_status()?.json().await
    }
}
