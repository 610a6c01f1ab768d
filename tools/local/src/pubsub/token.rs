//! Tokens for authenticated pushes. They come from the OIDC issuer, and are reused until they are about to expire.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use http::HeaderValue;
use reqwest::{Client, Url};
use serde::{Deserialize, Serialize};

/// A token is replaced this long before it expires, so that it is still valid on arrival.
const MARGIN_SECONDS: u64 = 60;
const TIME_LIMIT: Duration = Duration::from_secs(5);

/// The account that pushes and the receiver, for which a token is requested.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub(super) struct Claimant {
    pub(super) email: String,
    pub(super) audience: String,
}

#[derive(Clone)]
struct Token {
    header: HeaderValue,
    /// In seconds since the epoch.
    expires: u64,
}

impl Token {
    fn is_fresh(&self) -> bool {
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        self.expires > now.as_secs() + MARGIN_SECONDS
    }
}

/// Each claimant has a slot of its own. While a token is fetched, only callers that need the same token wait.
type Slot = Arc<tokio::sync::Mutex<Option<Token>>>;

pub(super) struct Tokens {
    client: Client,
    endpoint: Url,
    slots: Mutex<HashMap<Claimant, Slot>>,
}

impl Tokens {
    pub(super) fn new(client: Client, issuer: &Url) -> Result<Self, crate::Error> {
        Ok(Self { client, endpoint: issuer.join("token")?, slots: Mutex::default() })
    }

    /// The value of the Authorization header.
    pub(super) async fn header(&self, claimant: &Claimant) -> Result<HeaderValue, crate::Error> {
        let slot = self.slot(claimant);
        let mut slot = slot.lock().await;
        if let Some(token) = &*slot
            && token.is_fresh()
        {
            return Ok(token.header.clone());
        }
        let token = self.fetch(claimant).await?;
        let header = token.header.clone();
        *slot = Some(token);
        Ok(header)
    }

    /// Drops a refused token, because a restarted issuer may have a new key.
    pub(super) async fn refused(&self, claimant: &Claimant, header: &HeaderValue) {
        let slot = self.slot(claimant);
        slot.lock().await.take_if(|token| token.header == *header);
    }

    fn slot(&self, claimant: &Claimant) -> Slot {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.entry(claimant.clone()).or_default().clone()
    }

    async fn fetch(&self, claimant: &Claimant) -> Result<Token, crate::Error> {
        #[derive(Deserialize)]
        struct Answer {
            token: String,
        }
        #[derive(Deserialize)]
        struct Claims {
            exp: u64,
        }
        let request = self.client.post(self.endpoint.clone()).timeout(TIME_LIMIT).json(claimant);
        let Answer { token } = request.send().await?.error_for_status()?.json().await?;
        let Claims { exp } = jsonwebtoken::dangerous::insecure_decode_claims(&token)?;
        let mut header = HeaderValue::try_from(format!("Bearer {token}"))?;
        header.set_sensitive(true);
        Ok(Token { header, expires: exp })
    }
}
