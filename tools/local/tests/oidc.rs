//! Google's verifier accepts the issuer's tokens, before and after a restart.
#![allow(clippy::unwrap_used)]

use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use google_cloud_auth::credentials::idtoken::verifier;
use local::oidc::{self, Issuer};
use serde_json::{Value, json};
use tempfile::tempdir;
use tokio::net::TcpListener;

const EMAIL: &str = "pusher@eventflow-local.iam.gserviceaccount.com";
const AUDIENCE: &str = "http://localhost:8081";

async fn start(dir: &Path) -> String {
    let _already_installed = rustls::crypto::ring::default_provider().install_default();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = oidc::router(Issuer::open(dir).unwrap(), &url);
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

fn verifier(url: &str, audience: &str) -> verifier::Verifier {
    verifier::Builder::new([audience]).with_email(EMAIL).with_jwks_url(format!("{url}/certs")).build()
}

#[tokio::test]
async fn google_s_verifier_takes_the_token() {
    let dir = tempdir().unwrap();
    let url = start(dir.path()).await;
    let token = oidc::token(&url, EMAIL, AUDIENCE).await.unwrap();

    let claims = verifier(&url, AUDIENCE).verify(&token).await.unwrap();

    assert_eq!(claims["iss"], "https://accounts.google.com");
    assert_eq!(claims["sub"], EMAIL);
    let lifetime = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
    assert_eq!(lifetime, 3600);
    let other = verifier(&url, "http://localhost:8083").verify(&token).await;
    assert!(other.is_err(), "a token for one audience passed for another");
}

#[tokio::test]
async fn a_restart_keeps_tokens_valid_and_the_key_private() {
    let dir = tempdir().unwrap();
    let before = start(dir.path()).await;
    let token = oidc::token(&before, EMAIL, AUDIENCE).await.unwrap();

    let after = start(dir.path()).await;

    verifier(&after, AUDIENCE).verify(&token).await.unwrap();
    let mode = std::fs::metadata(dir.path().join("key.pem")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn another_issuer_s_token_is_refused() {
    let (dir, other_dir) = (tempdir().unwrap(), tempdir().unwrap());
    let url = start(dir.path()).await;
    let other = start(other_dir.path()).await;
    let token = oidc::token(&other, EMAIL, AUDIENCE).await.unwrap();

    assert!(verifier(&url, AUDIENCE).verify(&token).await.is_err());
}

#[tokio::test]
async fn the_key_set_and_the_discovery_document_agree() {
    let dir = tempdir().unwrap();
    let url = start(dir.path()).await;
    let client = reqwest::Client::new();
    let discovery = format!("{url}/.well-known/openid-configuration");
    let document: Value = client.get(discovery).send().await.unwrap().json().await.unwrap();

    let certs = document["jwks_uri"].as_str().unwrap();
    let keys: Value = client.get(certs).send().await.unwrap().json().await.unwrap();

    let key = &keys["keys"][0];
    assert_eq!((&key["alg"], &key["use"], &key["kty"]), (&json!("RS256"), &json!("sig"), &json!("RSA")));
    assert!(!key["kid"].as_str().unwrap().is_empty());
    assert_eq!(document["token_endpoint"], format!("{url}/token"));
}

#[tokio::test]
async fn wrong_input_is_a_400_that_names_the_field() {
    let dir = tempdir().unwrap();
    let url = start(dir.path()).await;
    for (body, field) in [
        (json!({"email": EMAIL}), "audience"),
        (json!({"audience": AUDIENCE}), "email"),
        (json!({"email": "nobody", "audience": AUDIENCE}), "email"),
        (json!({"email": EMAIL, "audience": ""}), "audience"),
        (json!({"email": EMAIL, "audience": 7}), "audience"),
        (json!({"email": EMAIL, "audience": AUDIENCE, "lifetime": 1}), "lifetime"),
    ] {
        let request = reqwest::Client::new().post(format!("{url}/token")).json(&body);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 400, "{body}");
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        let problem: Value = response.json().await.unwrap();
        assert!(problem["detail"].as_str().unwrap().contains(field), "{problem}");
    }
}
