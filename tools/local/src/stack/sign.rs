use std::{
    net::Ipv4Addr,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use tokio::{net::TcpListener, sync::Mutex, task::JoinHandle};

use super::{Part, Settings, stand_in::issuer};
use crate::Error;

/// Less than the hour for which a token is valid.
const KEPT: Duration = Duration::from_mins(30);

/// A proxy between Google's emulator, which signs nothing, and process-push. It adds a token to each push.
pub(super) struct Signing {
    pub(super) url: String,
    task: JoinHandle<()>,
}

impl Signing {
    pub(super) async fn start(settings: &Settings) -> Result<Self, Error> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let signer = Signer {
            client: reqwest::Client::new(),
            issuer: issuer(settings),
            account: settings.account("pusher"),
            to: settings.url(Part::ProcessPush),
            token: Mutex::new(None),
        };
        let router = Router::new().fallback(forward).with_state(Arc::new(signer));
        let task = tokio::spawn(async move {
            // The server never returns, because an error of one connection does not end it.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { url, task })
    }
}

impl Drop for Signing {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Signer {
    client: reqwest::Client,
    issuer: String,
    account: String,
    to: String,
    token: Mutex<Option<(Instant, String)>>,
}

#[derive(Deserialize)]
struct Answer {
    token: String,
}

impl Signer {
    async fn token(&self) -> Result<String, reqwest::Error> {
        let mut kept = self.token.lock().await;
        if let Some((since, token)) = &*kept
            && since.elapsed() < KEPT
        {
            return Ok(token.clone());
        }
        let wanted = serde_json::json!({"email": self.account, "audience": self.to});
        let request = self.client.post(format!("{}/token", self.issuer)).json(&wanted);
        let answer: Answer = request.send().await?.error_for_status()?.json().await?;
        *kept = Some((Instant::now(), answer.token.clone()));
        Ok(answer.token)
    }

    async fn forward(&self, path: &str, body: Bytes) -> Result<StatusCode, reqwest::Error> {
        let request = self
            .client
            .post(format!("{}{path}", self.to))
            .bearer_auth(self.token().await?)
            .header(header::CONTENT_TYPE, "application/json")
            .body(body);
        Ok(request.send().await?.status())
    }
}

/// A push that cannot be forwarded is not acknowledged, so the emulator sends it again.
async fn forward(State(signer): State<Arc<Signer>>, uri: Uri, body: Bytes) -> Response {
    match signer.forward(uri.path(), body).await {
        Ok(status) => status.into_response(),
        Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    }
}
