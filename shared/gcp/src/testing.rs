//! Substitutes for Google in tests: an issuer of identities whose tokens are like Google's, and a Pub/Sub to publish
//! to.
#![allow(clippy::expect_used)]

mod pubsub;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
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

/// It takes a while to make a key, so the issuers of one process share it.
static KEY: LazyLock<(EncodingKey, Value)> = LazyLock::new(new_key);

/// An issuer with one key, and the server of its JWKS.
pub struct Issuer {
    pub jwks_url: String,
    shown: Arc<Shown>,
}

struct Shown {
    fetches: AtomicUsize,
    /// The IDs that the key is published under. None is an issuer that is unavailable.
    kids: Mutex<Option<Vec<String>>>,
    delay: Duration,
}

impl Issuer {
    pub async fn start() -> Self {
        Self::slow(Duration::ZERO).await
    }

    /// An issuer that takes this long to send its keys.
    pub async fn slow(delay: Duration) -> Self {
        let kids = Mutex::new(Some(vec![KID.to_owned()]));
        let shown = Arc::new(Shown { fetches: AtomicUsize::new(0), kids, delay });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let router = Router::new().route("/certs", get(jwks)).with_state(shown.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { jwks_url: format!("http://{address}/certs"), shown }
    }

    /// From now on the key is published under these IDs alone.
    pub fn has(&self, kids: &[&str]) {
        self.shown.show(Some(kids.iter().map(|&kid| kid.to_owned()).collect()));
    }

    /// From now on every request for the keys fails.
    pub fn is_away(&self) {
        self.shown.show(None);
    }

    /// The number of requests for the keys.
    pub fn fetches(&self) -> usize {
        self.shown.fetches.load(Ordering::SeqCst)
    }

    pub fn token(&self, claims: &Value) -> String {
        self.token_with_kid(KID, claims)
    }

    pub fn token_with_kid(&self, kid: &str, claims: &Value) -> String {
        sign(&KEY.0, kid, claims)
    }

    /// The check of callers by a service that trusts this issuer.
    pub fn identity(&self, audience: &str) -> Identity {
        Identity::new(IdentityConfig {
            mode: Mode::Verify,
            audience: audience.to_owned(),
            jwks_url: Some(self.jwks_url.clone()),
        })
        .expect("the audience is not empty")
    }
}

impl Shown {
    fn show(&self, kids: Option<Vec<String>>) {
        *self.kids.lock().unwrap_or_else(PoisonError::into_inner) = kids;
    }
}

async fn jwks(State(shown): State<Arc<Shown>>) -> Result<Json<Value>, StatusCode> {
    shown.fetches.fetch_add(1, Ordering::SeqCst);
    tokio::time::sleep(shown.delay).await;
    let kids = shown.kids.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let kids = kids.ok_or(StatusCode::SERVICE_UNAVAILABLE)?;
    let key = |kid| {
        let mut key = KEY.1.clone();
        key["kid"] = Value::String(kid);
        key
    };
    Ok(Json(json!({ "keys": kids.into_iter().map(key).collect::<Vec<_>>() })))
}

/// The claims that Google puts into a token for a service account.
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
