//! An OIDC issuer whose tokens are easy to read.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use axum::{Json, Router, extract::State, routing::post};
use http::header::AUTHORIZATION;
use jsonwebtoken::{EncodingKey, Header, dangerous::insecure_decode_claims, encode};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::receiver::Push;

pub struct Issuer {
    pub url: String,
    asked: Arc<AtomicUsize>,
}

impl Issuer {
    pub async fn start() -> Self {
        Self::start_on((Ipv4Addr::LOCALHOST, 0).into()).await
    }

    pub async fn start_on(address: SocketAddr) -> Self {
        let asked = Arc::<AtomicUsize>::default();
        let app = Router::new().route("/token", post(issue)).with_state(asked.clone());
        let listener = TcpListener::bind(address).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, asked }
    }

    /// Returns the number of issued tokens.
    pub fn issued(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

async fn issue(State(asked): State<Arc<AtomicUsize>>, Json(request): Json<Value>) -> Json<Value> {
    let serial = asked.fetch_add(1, Ordering::Relaxed);
    let expires = SystemTime::now() + Duration::from_hours(1);
    let claims = json!({
        "email": request["email"],
        "aud": request["audience"],
        "exp": expires.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs(),
        "serial": serial,
    });
    let token = encode(&Header::default(), &claims, &EncodingKey::from_secret(b"any")).unwrap();
    Json(json!({"token": token}))
}

/// Returns the claims of the token of a push.
pub fn claims(push: &Push) -> Value {
    let header = push.headers[AUTHORIZATION].to_str().unwrap();
    insecure_decode_claims(header.strip_prefix("Bearer ").unwrap()).unwrap()
}
