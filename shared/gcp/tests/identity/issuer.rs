use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::Json;
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rsa::RsaPrivateKey;
use rsa::pkcs1::{EncodeRsaPrivateKey, LineEnding};
use rsa::traits::PublicKeyParts;
use serde_json::{Value, json};

pub(crate) const AUDIENCE: &str = "http://localhost:8081";
pub(crate) const PUSHER: &str = "pusher@eventflow-local.iam.gserviceaccount.com";
const KID: &str = "key-1";

/// An issuer with one key, and the server of its JWKS.
pub(crate) struct Issuer {
    key: EncodingKey,
    pub(crate) jwks_url: String,
    fetches: Arc<AtomicUsize>,
}

impl Issuer {
    pub(crate) async fn start() -> Self {
        let (key, jwk) = new_key();
        let fetches = Arc::new(AtomicUsize::new(0));
        let counter = fetches.clone();
        let router = axum::Router::new().route(
            "/certs",
            get(move || async move {
                counter.fetch_add(1, Ordering::SeqCst);
                Json(json!({ "keys": [jwk] }))
            }),
        );
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let jwks_url = format!("http://{}/certs", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            key,
            jwks_url,
            fetches,
        }
    }

    pub(crate) fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }

    pub(crate) fn token(&self, claims: &Value) -> String {
        sign(&self.key, KID, claims)
    }

    pub(crate) fn token_with_kid(&self, kid: &str, claims: &Value) -> String {
        sign(&self.key, kid, claims)
    }

    pub(crate) fn good_token(&self) -> String {
        self.token(&claims())
    }
}

/// A token with the issuer's key ID and somebody else's signature.
pub(crate) fn forged_token() -> String {
    sign(&new_key().0, KID, &claims())
}

pub(crate) fn stripped(token: &str) -> String {
    let (signed, _signature) = token.rsplit_once('.').unwrap();
    format!("{signed}.SIGNATURE_REMOVED_BY_GOOGLE")
}

/// `alg: none`, which no library should sign.
pub(crate) fn unsigned_token() -> String {
    let part = |json: Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let header = json!({ "alg": "none", "typ": "JWT", "kid": KID });
    format!("{}.{}.", part(header), part(claims()))
}

/// Signed with the public key as if it were a shared secret.
pub(crate) fn hmac_token() -> String {
    let mut header = Header::new(Algorithm::HS256);
    header.kid = Some(KID.into());
    jsonwebtoken::encode(&header, &claims(), &EncodingKey::from_secret(b"public")).unwrap()
}

/// What Google puts into a token for a service account.
pub(crate) fn claims() -> Value {
    let now = jsonwebtoken::get_current_timestamp();
    json!({
        "iss": "https://accounts.google.com",
        "aud": AUDIENCE,
        "azp": "113774264463038321964",
        "sub": "113774264463038321964",
        "email": PUSHER,
        "email_verified": true,
        "iat": now,
        "exp": now + 3600,
    })
}

pub(crate) fn claims_but(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

pub(crate) fn claims_without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

fn sign(key: &EncodingKey, kid: &str, claims: &Value) -> String {
    let mut header = Header::new(Algorithm::RS256);
    header.kid = Some(kid.into());
    jsonwebtoken::encode(&header, claims, key).unwrap()
}

fn new_key() -> (EncodingKey, Value) {
    let private = RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).unwrap();
    let jwk = json!({
        "kty": "RSA", "use": "sig", "alg": "RS256", "kid": KID,
        "n": URL_SAFE_NO_PAD.encode(private.n().to_bytes_be()),
        "e": URL_SAFE_NO_PAD.encode(private.e().to_bytes_be()),
    });
    let pem = private.to_pkcs1_pem(LineEnding::LF).unwrap();
    (EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap(), jwk)
}
