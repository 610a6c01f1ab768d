use std::sync::Arc;

use http::HeaderMap;
use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use serde::Deserialize;

use super::keys::Keys;
use super::{Caller, Refusal, claims};
use crate::error::Error;

const HEADER: &str = "x-goog-iap-jwt-assertion";
const ISSUER: &str = "https://cloud.google.com/iap";
const KEYS: &str = "https://www.gstatic.com/iap/verify/public_key-jwk";
/// Checks the assertion of Identity-Aware Proxy, which has already selected the callers. The assertion is not a token
/// like Google's own: it has ES256, another issuer, another header, and the audience of the service.
#[derive(Debug, Clone)]
pub struct Iap {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    audience: String,
    keys: Keys,
}

#[derive(Deserialize)]
struct Assertion {
    email: String,
    /// The proxy sends this claim only if it knows more than that Google has signed the caller in.
    email_verified: Option<bool>,
}

impl Iap {
    /// `audience` is `/projects/NUMBER/locations/REGION/services/SERVICE` for IAP on Cloud Run.
    pub fn new(audience: String, keys_url: Option<String>) -> Result<Self, Error> {
        let keys = Keys::new(keys_url.unwrap_or_else(|| KEYS.to_owned()))?;
        Ok(Self { shared: Arc::new(Shared { audience, keys }) })
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
        let key = self.shared.keys.find(&kid).await?;
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
}
