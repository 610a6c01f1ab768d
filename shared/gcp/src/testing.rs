//! What stands in for Google in tests: an issuer of identities, whose tokens are like Google's, and a Pub/Sub to publish to.
#![allow(clippy::expect_used)]

mod pubsub;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use axum::routing::get;
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rsa::RsaPrivateKey;
use rsa::pkcs1::{EncodeRsaPrivateKey, LineEnding};
use rsa::traits::PublicKeyParts;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::identity::{Identity, IdentityConfig, Mode};

pub use pubsub::{Behaviour, PubSub, Received};

pub const KID: &str = "key-1";

/// A key takes a while to make, so the issuers of one process share it.
static KEY: LazyLock<(EncodingKey, Value)> = LazyLock::new(new_key);

/// An issuer with one key, and the server of its JWKS.
pub struct Issuer {
    pub jwks_url: String,
    fetches: Arc<AtomicUsize>,
}

impl Issuer {
    pub async fn start() -> Self {
        let fetches = Arc::new(AtomicUsize::new(0));
        let counter = fetches.clone();
        let keys = get(async move || {
            counter.fetch_add(1, Ordering::SeqCst);
            Json(json!({ "keys": [KEY.1] }))
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let router = Router::new().route("/certs", keys);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { jwks_url: format!("http://{address}/certs"), fetches }
    }

    /// How often the keys were asked for.
    pub fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }

    pub fn token(&self, claims: &Value) -> String {
        self.token_with_kid(KID, claims)
    }

    pub fn token_with_kid(&self, kid: &str, claims: &Value) -> String {
        sign(&KEY.0, kid, claims)
    }

    /// A service's check of callers that this issuer vouches for.
    pub fn identity(&self, audience: &str) -> Identity {
        Identity::new(IdentityConfig {
            mode: Mode::Verify,
            audience: audience.to_owned(),
            jwks_url: Some(self.jwks_url.clone()),
        })
        .expect("the audience is not empty")
    }
}

/// What Google puts into a token for a service account.
pub fn claims(email: &str, audience: &str) -> Value {
    let now = jsonwebtoken::get_current_timestamp();
    json!({
        "iss": "https://accounts.google.com",
        "aud": audience,
        "azp": "113774264463038321964",
        "sub": "113774264463038321964",
        "email": email,
        "email_verified": true,
        "iat": now,
        "exp": now + 3600,
    })
}

pub fn sign(key: &EncodingKey, kid: &str, claims: &Value) -> String {
    let mut header = Header::new(Algorithm::RS256);
    header.kid = Some(kid.into());
    jsonwebtoken::encode(&header, claims, key).expect("claims are JSON")
}

/// A private key, and the public one as a JWK.
pub fn new_key() -> (EncodingKey, Value) {
    let private = RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).expect("a key");
    let jwk = json!({
        "kty": "RSA", "use": "sig", "alg": "RS256", "kid": KID,
        "n": URL_SAFE_NO_PAD.encode(private.n().to_bytes_be()),
        "e": URL_SAFE_NO_PAD.encode(private.e().to_bytes_be()),
    });
    let pem = private.to_pkcs1_pem(LineEnding::LF).expect("a PEM");
    let key = EncodingKey::from_rsa_pem(pem.as_bytes()).expect("a key");
    (key, jwk)
}
