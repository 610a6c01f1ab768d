use jsonwebtoken::Algorithm;
use jsonwebtoken::dangerous::insecure_decode;
use serde::Deserialize;

use super::Refusal;

/// The tolerance for an expiry in seconds, since two clocks are never quite the same.
pub(super) const LEEWAY: u64 = 10;
pub(super) const ISSUERS: [&str; 2] = ["https://accounts.google.com", "accounts.google.com"];

/// The claims of a token, which are all required.
#[derive(Debug, Deserialize)]
pub(super) struct Claims {
    iss: String,
    aud: String,
    pub(super) exp: u64,
    pub(super) email: String,
    email_verified: bool,
}

impl Claims {
    /// Reads and checks the claims, but not the signature.
    pub(super) fn read(token: &str, audience: &str, now: u64) -> Result<Self, Refusal> {
        let invalid = |what: &str| Refusal::Invalid(what.into());
        let decoded = insecure_decode::<Self>(token)
            .map_err(|error| Refusal::Invalid(format!("unreadable: {error}")))?;
        let claims = decoded.claims;
        if decoded.header.alg != Algorithm::RS256 {
            return Err(invalid("signed with something else than RS256"));
        }
        if !ISSUERS.contains(&claims.iss.as_str()) {
            return Err(invalid("its issuer is not Google"));
        }
        if claims.aud != audience {
            return Err(invalid("it was made for another audience"));
        }
        if expired(claims.exp, now) {
            return Err(invalid("it has expired"));
        }
        if !claims.email_verified {
            return Err(invalid("its e-mail address is not verified"));
        }
        Ok(claims)
    }
}

pub(super) fn expired(exp: u64, now: u64) -> bool {
    exp.saturating_add(LEEWAY) <= now
}
