use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use gcp_bigquery_client::auth::Authenticator;
use gcp_bigquery_client::client_builder::ClientBuilder;
use gcp_bigquery_client::error::BQError;
use google_cloud_auth::credentials::AccessTokenCredentials;
use tokio::time::timeout;

use super::BigQueryConfig;
use crate::credentials;
use crate::error::{Error, with_causes};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The BigQuery client, and an HTTP client for the upload that the BigQuery client lacks.
pub(super) struct Connection {
    pub(super) client: gcp_bigquery_client::Client,
    pub(super) http: reqwest::Client,
    token: Token,
    timeout: Duration,
    /// The origin of the API.
    pub(super) origin: String,
}

impl Connection {
    /// Does no I/O except reading credentials.
    pub(super) async fn new(config: &BigQueryConfig) -> Result<Self, Error> {
        let (origin, token) = match &config.emulator_host {
            Some(host) => (format!("http://{host}"), Token::Anonymous),
            None => (
                "https://bigquery.googleapis.com".into(),
                Token::Google(credentials::load(config.credentials_file.as_deref())?),
            ),
        };
        let client = ClientBuilder::new()
            .with_v2_base_url(format!("{origin}/bigquery/v2"))
            .build_from_authenticator(Arc::new(token.clone()))
            .await
            .map_err(|error| Error::Config(with_causes(&error)))?;
        // In a resumable upload, status 308 means "go on", and no redirect must be followed.
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(config.timeout)
            .build()
            .map_err(|error| Error::Config(with_causes(&error)))?;
        Ok(Self { client, http, token, timeout: config.timeout, origin })
    }

    /// The token of a request, within the time limit. If the metadata server is unavailable, google-cloud-auth tries
    /// again for a long time.
    pub(super) async fn bearer(&self) -> Result<String, Error> {
        match timeout(self.timeout, self.token.get()).await {
            Ok(token) => token,
            Err(_elapsed) => Err(Error::Credentials("no token came in time".into())),
        }
    }
}

/// The source of the bearer token of each request. google-cloud-auth caches and renews the token.
#[derive(Clone)]
enum Token {
    Anonymous,
    Google(AccessTokenCredentials),
}

impl Token {
    async fn get(&self) -> Result<String, Error> {
        match self {
            Self::Anonymous => Ok("anonymous".into()),
            Self::Google(credentials) => match credentials.access_token().await {
                Ok(token) => Ok(token.token),
                Err(error) => Err(Error::Credentials(with_causes(&error))),
            },
        }
    }
}

/// The method is written out, since the trait is made with a macro of a crate that is not needed otherwise.
impl Authenticator for Token {
    fn access_token<'a, 'f>(&'a self) -> BoxFuture<'f, Result<String, BQError>>
    where
        'a: 'f,
        Self: 'f,
    {
        Box::pin(async {
            self.get().await.map_err(|error| {
                let error = std::io::Error::other(error);
                BQError::InvalidApplicationDefaultCredentialsAuthenticator(error)
            })
        })
    }
}
