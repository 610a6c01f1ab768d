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

/// The client for everything that it can do, and an HTTP client for the upload that it lacks.
pub(super) struct Connection {
    pub(super) client: gcp_bigquery_client::Client,
    pub(super) http: reqwest::Client,
    token: Token,
    timeout: Duration,
    /// The origin of the API.
    pub(super) origin: String,
}

impl Connection {
    /// Does no I/O but reading credentials.
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
        // In a resumable upload 308 says "go on", and nothing is to be followed.
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(config.timeout)
            .build()
            .map_err(|error| Error::Config(with_causes(&error)))?;
        Ok(Self { client, http, token, timeout: config.timeout, origin })
    }

    /// Where the metadata server is away, google-cloud-auth tries again for long.
    pub(super) async fn bearer(&self) -> Result<String, Error> {
        match timeout(self.timeout, self.token.get()).await {
            Ok(token) => token,
            Err(_elapsed) => Err(Error::Credentials("no token came in time".into())),
        }
    }
}

/// The bearer token of each request, kept and renewed by google-cloud-auth.
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

/// Written out, since the trait is made with a macro whose crate is not needed otherwise.
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
