use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::claims::{Claims, expired};

/// The most tokens that are remembered. Pub/Sub and Cloud Scheduler have one token each at a time, and a restart, a new
/// deployment or a person calling by hand adds a few.
const CAPACITY: usize = 64;

/// Tokens with a valid signature, until they expire. Pub/Sub sends the same token with every push for up to an hour,
/// and checking it anew would cost each push an RSA operation.
#[derive(Debug, Default)]
pub(super) struct Verified {
    tokens: Mutex<HashMap<String, Known>>,
}

#[derive(Debug)]
struct Known {
    email: String,
    exp: u64,
}

impl Verified {
    pub(super) fn email(&self, token: &str, now: u64) -> Option<String> {
        let tokens = self.tokens();
        let known = tokens.get(token)?;
        (!expired(known.exp, now)).then(|| known.email.clone())
    }

    pub(super) fn remember(&self, token: &str, claims: &Claims, now: u64) {
        let mut tokens = self.tokens();
        if tokens.len() >= CAPACITY {
            tokens.retain(|_, known| !expired(known.exp, now));
        }
        if tokens.len() >= CAPACITY {
            tokens.clear();
        }
        let known = Known { email: claims.email.clone(), exp: claims.exp };
        tokens.insert(token.to_owned(), known);
    }

    /// The map is complete after each statement, so a panic elsewhere cannot have damaged it.
    fn tokens(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::claims::LEEWAY;
    use super::*;

    fn claims(exp: u64) -> Claims {
        serde_json::from_value(serde_json::json!({
            "iss": "accounts.google.com", "aud": "a", "exp": exp,
            "email": "a@example.com", "email_verified": true,
        }))
        .unwrap()
    }

    #[test]
    fn a_token_is_known_until_it_expires() {
        let verified = Verified::default();
        verified.remember("token", &claims(100), 50);
        assert_eq!(verified.email("token", 99).unwrap(), "a@example.com");
        assert_eq!(verified.email("token", 100 + LEEWAY), None);
        assert_eq!(verified.email("other", 99), None);
    }

    #[test]
    fn it_never_grows_beyond_its_capacity() {
        let verified = Verified::default();
        for token in 0..3 * CAPACITY {
            verified.remember(&token.to_string(), &claims(100), 50);
            assert!(verified.tokens().len() <= CAPACITY);
        }
    }

    #[test]
    fn what_has_expired_goes_first() {
        let verified = Verified::default();
        verified.remember("alive", &claims(1_000), 50);
        for token in 0..CAPACITY {
            verified.remember(&token.to_string(), &claims(100), 500);
        }
        assert!(verified.email("alive", 500).is_some());
    }
}
