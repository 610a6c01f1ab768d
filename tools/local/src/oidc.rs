//! The OIDC issuer. It signs identity tokens as Google does, with a key of its own.
//!
//! Every caller can get a token for any account, so it listens only on the loopback address.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::net::Ipv4Addr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Json, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rsa::RsaPrivateKey;
use rsa::pkcs8::{EncodePrivateKey, LineEnding};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::Error;

/// Google's name. The verifier of google-cloud-auth accepts no other.
const ISSUER: &str = "https://accounts.google.com";
const LIFETIME_SECONDS: i64 = 3600;

#[derive(clap::Args)]
pub struct Args {
    #[arg(long, default_value_t = 8086)]
    port: u16,
    /// The folder of the signing key.
    #[arg(long, default_value = ".local/oidc")]
    dir: PathBuf,
}

pub async fn serve(args: Args) -> Result<(), Error> {
    let address = (Ipv4Addr::LOCALHOST, args.port);
    let listener = tokio::net::TcpListener::bind(address)
        .await
        .map_err(|error| format!("cannot listen on port {}: {error}", args.port))?;
    let url = format!("http://{}", listener.local_addr()?);
    let issuer = tokio::task::spawn_blocking(move || Issuer::open(&args.dir)).await??;
    tracing::info!(%url, "OIDC issuer is ready");
    Ok(axum::serve(listener, router(issuer, &url)).await?)
}

pub struct Issuer {
    key: EncodingKey,
    jwk: Jwk,
}

impl Issuer {
    /// Reads the key in `dir`, or makes one. Tokens stay valid after a restart.
    pub fn open(dir: &Path) -> Result<Self, Error> {
        let path = dir.join("key.pem");
        if !path.exists() {
            write_new_key(dir, &path)?;
        }
        let key = EncodingKey::from_rsa_pem(&fs::read(&path)?)
            .map_err(|error| format!("{} is not a private key: {error}", path.display()))?;
        let mut jwk = Jwk::from_encoding_key(&key, Algorithm::RS256)?;
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        jwk.common.key_id = Some(jwk.thumbprint(ThumbprintHash::SHA256)?);
        Ok(Self { key, jwk })
    }

    fn sign(&self, identity: &Identity) -> Result<String, jsonwebtoken::errors::Error> {
        let now = chrono::Utc::now().timestamp();
        let claims = Claims {
            iss: ISSUER,
            sub: &identity.email,
            aud: &identity.audience,
            email: &identity.email,
            email_verified: true,
            iat: now,
            exp: now + LIFETIME_SECONDS,
        };
        let header = Header { kid: self.jwk.common.key_id.clone(), ..Header::new(Algorithm::RS256) };
        jsonwebtoken::encode(&header, &claims, &self.key)
    }
}

/// The file gets its final name only when it is complete, so that a kill never leaves half of a key.
fn write_new_key(dir: &Path, path: &Path) -> Result<(), Error> {
    fs::create_dir_all(dir)?;
    let key = RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048)?;
    let pem = key.to_pkcs8_pem(LineEnding::LF)?;
    let draft = dir.join("key.pem.new");
    let mut file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&draft)?;
    file.write_all(pem.as_bytes())?;
    file.sync_all()?;
    Ok(fs::rename(draft, path)?)
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    email: &'a str,
    email_verified: bool,
    iat: i64,
    exp: i64,
}

/// Makes the router. `url` is its address for callers.
pub fn router(issuer: Issuer, url: &str) -> Router {
    let issuer = Arc::new(issuer);
    let configuration = json!({
        "issuer": ISSUER,
        "jwks_uri": format!("{url}/certs"),
        "token_endpoint": format!("{url}/token"),
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    });
    Router::new()
        .route("/certs", get(certs))
        .route("/token", post(issue))
        .route("/.well-known/openid-configuration", get(async move || Json(configuration.clone())))
        .with_state(issuer)
}

async fn certs(State(issuer): State<Arc<Issuer>>) -> Json<JwkSet> {
    Json(JwkSet { keys: vec![issuer.jwk.clone()] })
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Identity {
    email: String,
    audience: String,
}

#[derive(Serialize, Deserialize)]
struct Issued {
    token: String,
}

async fn issue(
    State(issuer): State<Arc<Issuer>>,
    identity: Result<Json<Identity>, JsonRejection>,
) -> Result<Json<Issued>, Problem> {
    let Json(identity) = identity.map_err(|rejection| Problem::bad_request(rejection.body_text()))?;
    if !identity.email.contains('@') {
        return Err(Problem::bad_request("email is not an e-mail address"));
    }
    if identity.audience.is_empty() {
        return Err(Problem::bad_request("audience is empty"));
    }
    let token = issuer.sign(&identity).map_err(|error| {
        tracing::error!(%error, "cannot sign a token");
        Problem(StatusCode::INTERNAL_SERVER_ERROR, "cannot sign".to_owned())
    })?;
    Ok(Json(Issued { token }))
}

struct Problem(StatusCode, String);

impl Problem {
    fn bad_request(detail: impl Into<String>) -> Self {
        Self(StatusCode::BAD_REQUEST, detail.into())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Self(status, detail) = self;
        let body = json!({
            "type": "about:blank",
            "title": status.canonical_reason(),
            "status": status.as_u16(),
            "detail": detail,
        });
        let content_type = [(header::CONTENT_TYPE, "application/problem+json")];
        (status, content_type, Json(body)).into_response()
    }
}

/// Gets a token from the issuer at `issuer_url`. A token is valid for an hour, so callers keep it.
pub async fn token(issuer_url: &str, email: &str, audience: &str) -> Result<String, Error> {
    let identity = Identity { email: email.to_owned(), audience: audience.to_owned() };
    let response = http_client()
        .post(format!("{issuer_url}/token"))
        .json(&identity)
        .timeout(Duration::from_secs(5))
        .send()
        .await?
        .error_for_status()?;
    Ok(response.json::<Issued>().await?.token)
}

/// reqwest needs a TLS provider even for plain HTTP. A process can install only one, so an error here means that it
/// is installed already.
pub(crate) fn http_client() -> reqwest::Client {
    let _already_installed = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}
