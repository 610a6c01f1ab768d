//! Tests of the assertion of Identity-Aware Proxy.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use axum::routing::get;
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gcp::{Caller, Iap, Refusal};
use jsonwebtoken::{Algorithm, EncodingKey, Header, get_current_timestamp};
use p256::SecretKey;
use p256::elliptic_curve::sec1::ToEncodedPoint;
use p256::pkcs8::{EncodePrivateKey, LineEnding};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::keys::later;
use crate::{assert_invalid, headers};

const AUDIENCE: &str = "/projects/1234/locations/europe-west1/services/eventflow-admin";
const HEADER: &str = "x-goog-iap-jwt-assertion";

struct Proxy {
    key: EncodingKey,
    keys_url: String,
    has_withdrawn: Arc<AtomicBool>,
    fetches: Arc<AtomicUsize>,
}

impl Proxy {
    async fn start() -> Self {
        let secret = SecretKey::random(&mut p256::elliptic_curve::rand_core::OsRng);
        let point = secret.public_key().to_encoded_point(false);
        let part = |bytes: Option<&_>| URL_SAFE_NO_PAD.encode::<&[u8]>(bytes.map(AsRef::as_ref).unwrap());
        let jwk = json!({
            "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "iap-1",
            "x": part(point.x().map(|x| &**x)), "y": part(point.y().map(|y| &**y)),
        });
        let pem = secret.to_pkcs8_pem(LineEnding::LF).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let keys_url = format!("http://{}/keys", listener.local_addr().unwrap());
        let (has_withdrawn, fetches) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (withdrawn, counter) = (has_withdrawn.clone(), fetches.clone());
        let keys = async move || {
            counter.fetch_add(1, Ordering::SeqCst);
            let keys = if withdrawn.load(Ordering::SeqCst) { vec![] } else { vec![jwk] };
            Json(json!({ "keys": keys }))
        };
        let router = Router::new().route("/keys", get(keys));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let key = EncodingKey::from_ec_pem(pem.as_bytes()).unwrap();
        Self { key, keys_url, has_withdrawn, fetches }
    }

    fn assertion(&self, change: &Value) -> String {
        self.assertion_with("iap-1", change)
    }

    fn assertion_with(&self, kid: &str, change: &Value) -> String {
        let mut claims = json!({
            "iss": "https://cloud.google.com/iap", "aud": AUDIENCE, "email": "ann@example.com",
            "sub": "accounts.google.com:1", "iat": get_current_timestamp(), "exp": get_current_timestamp() + 600,
        });
        claims.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(kid.into());
        jsonwebtoken::encode(&header, &claims, &self.key).unwrap()
    }

    async fn check(&self, assertion: String) -> Result<Caller, Refusal> {
        let iap = Iap::new(AUDIENCE.into(), Some(self.keys_url.clone())).unwrap();
        iap.caller(&headers(&[(HEADER, assertion)])).await
    }
}

#[tokio::test]
async fn whom_the_proxy_lets_in_comes_in_by_name() {
    let proxy = Proxy::start().await;
    let caller = proxy.check(proxy.assertion(&json!({}))).await.unwrap();
    assert_eq!(caller.email, "ann@example.com");
}

#[tokio::test]
async fn another_assertion_is_refused() {
    let (proxy, stranger) = (Proxy::start().await, Proxy::start().await);
    assert_invalid(&proxy.check(proxy.assertion(&json!({"aud": "/projects/9"}))).await, "InvalidAudience");
    assert_invalid(
        &proxy.check(proxy.assertion(&json!({"iss": "https://accounts.google.com"}))).await,
        "InvalidIssuer",
    );
    assert_invalid(&proxy.check(proxy.assertion(&json!({"exp": 1}))).await, "ExpiredSignature");
    assert_invalid(&proxy.check(proxy.assertion(&json!({"email_verified": false}))).await, "not verified");
    assert_invalid(&proxy.check(stranger.assertion(&json!({}))).await, "InvalidSignature");
    assert!(matches!(proxy.check("nonsense".into()).await, Err(Refusal::Invalid(_))));
}

#[tokio::test]
async fn the_keys_of_the_proxy_are_looked_for_within_bounds_and_not_kept_for_ever() {
    let proxy = Proxy::start().await;
    let iap = Iap::new(AUDIENCE.into(), Some(proxy.keys_url.clone())).unwrap();
    let check = async |assertion| iap.caller(&headers(&[(HEADER, assertion)])).await;
    for number in 0..20 {
        let kid = format!("invented-{number}");
        assert_invalid(&check(proxy.assertion_with(&kid, &json!({}))).await, "kid");
        assert!(check(proxy.assertion(&json!({}))).await.is_ok());
    }
    assert_eq!(proxy.fetches.load(Ordering::SeqCst), 1);
    proxy.has_withdrawn.store(true, Ordering::SeqCst);
    later(Duration::from_mins(61)).await;
    let refused = async {
        while check(proxy.assertion(&json!({}))).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), refused).await.unwrap();
}

#[tokio::test]
async fn without_an_assertion_or_the_keys_nobody_comes_in() {
    let proxy = Proxy::start().await;
    let iap = Iap::new(AUDIENCE.into(), Some(proxy.keys_url.clone())).unwrap();
    assert_eq!(iap.caller(&headers(&[])).await, Err(Refusal::Missing));
    let away = Iap::new(AUDIENCE.into(), Some("http://127.0.0.1:1/keys".into())).unwrap();
    let result = away.caller(&headers(&[(HEADER, proxy.assertion(&json!({})))])).await;
    assert!(matches!(result, Err(Refusal::Unavailable(_))), "{result:?}");
}
