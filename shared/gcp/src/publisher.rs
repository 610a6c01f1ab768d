//! Publishes event IDs to a topic through the official client, within a time limit.

mod breaker;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use google_cloud_auth::credentials::{Credentials, anonymous};
use google_cloud_gax::retry_policy::RetryPolicyExt;
use google_cloud_pubsub::client::Publisher as Client;
use google_cloud_pubsub::retry_policy::RetryableErrors;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};

use crate::error::{Error, with_causes};
use crate::{credentials, tls};
use breaker::{Breaker, Verdict};

/// The topic to publish to, and the time to try.
#[derive(Debug, Clone)]
pub struct PublisherConfig {
    pub project: String,
    pub topic: String,
    /// `host:port` of a server that needs no credentials and no TLS.
    pub emulator_host: Option<String>,
    /// A key file that is used in place of Application Default Credentials.
    pub credentials_file: Option<PathBuf>,
    /// The time limit of one `publish`.
    pub timeout: Duration,
}

/// The content of a push: the event ID as its data, the rest as attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub event_id: String,
    pub event_type: String,
    pub traceparent: Option<String>,
}

/// The reason why a message is not known to be published. It may still arrive, since delivery is at least once.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PublishError {
    #[error("Pub/Sub did not confirm in time")]
    TimedOut,
    #[error("not tried: Pub/Sub has been failing")]
    Open,
    #[error("Pub/Sub did not take it: {0}")]
    Failed(String),
    #[error(transparent)]
    Connect(#[from] Error),
}

/// A publisher for one topic. Clones share its connection and its circuit breaker.
#[derive(Debug, Clone)]
pub struct Publisher {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    config: PublisherConfig,
    client: Mutex<Option<Client>>,
    turn: Mutex<()>,
    breaker: Breaker,
}

impl Publisher {
    /// Succeeds even if the server is unavailable or credentials are missing. Missing credentials are logged now, and
    /// the next publish looks for them again.
    pub async fn connect(config: PublisherConfig) -> Result<Self, Error> {
        tls::ensure_provider();
        let publisher = Self {
            shared: Arc::new(Shared {
                config,
                client: Mutex::default(),
                turn: Mutex::new(()),
                breaker: Breaker::default(),
            }),
        };
        match publisher.client().await {
            Err(error @ Error::Credentials(_)) => tracing::warn!(%error, "cannot publish yet"),
            Err(error) => return Err(error),
            Ok(_) => {}
        }
        Ok(publisher)
    }

    /// Publishes the batch and says for each message, in order, whether Pub/Sub has it.
    pub async fn publish(&self, batch: Vec<Message>) -> Vec<Result<(), PublishError>> {
        if batch.is_empty() {
            return Vec::new();
        }
        if !self.shared.breaker.allows() {
            return batch.iter().map(|_| Err(PublishError::Open)).collect();
        }
        let results = match self.client().await {
            Ok(client) => self.send(&client, batch).await,
            Err(error) => batch.iter().map(|_| Err(error.clone().into())).collect(),
        };
        if self.shared.breaker.record(&results) == Verdict::Open {
            self.give_up_connection().await;
        }
        results
    }

    async fn client(&self) -> Result<Client, Error> {
        let mut client = self.shared.client.lock().await;
        if let Some(client) = &*client {
            return Ok(client.clone());
        }
        let built = build(&self.shared.config).await?;
        *client = Some(built.clone());
        Ok(built)
    }

    /// Gives up the client, so that each trial begins with a connection of its own. The client sets no time-outs: a
    /// connection whose other end vanished silently stays for a quarter of an hour, and one that is being made for two
    /// minutes.
    async fn give_up_connection(&self) {
        *self.shared.client.lock().await = None;
    }

    async fn send(&self, client: &Client, batch: Vec<Message>) -> Vec<Result<(), PublishError>> {
        let deadline = Instant::now() + self.shared.config.timeout;
        let mut confirmed = join_all(batch.into_iter().map(|message| {
            let published = client.publish(message.into());
            async move {
                match timeout_at(deadline, published).await {
                    Ok(Ok(_message_id)) => Ok(()),
                    Ok(Err(error)) => Err(PublishError::Failed(with_causes(&error))),
                    Err(_elapsed) => Err(PublishError::TimedOut),
                }
            }
        }));
        tokio::select! {
            results = &mut confirmed => results,
            () = self.flush(client) => confirmed.await,
        }
    }

    /// Sends the waiting messages at once. Without a flush, the client holds a single message for 10 ms in case more
    /// follow. But a flush stops the client from sending anything else until all messages on the way are confirmed, so
    /// a queue of flushes would cost a round trip each. So the flushes take turns: the flush that waits carries all
    /// messages that came meanwhile, and a caller whose own messages are confirmed leaves the queue.
    async fn flush(&self, client: &Client) {
        let _turn = self.shared.turn.lock().await;
        client.flush().await;
    }
}

impl From<Message> for google_cloud_pubsub::model::Message {
    fn from(message: Message) -> Self {
        let attributes = [("eventType", message.event_type)]
            .into_iter()
            .chain(message.traceparent.map(|value| ("traceparent", value)));
        Self::new().set_data(message.event_id).set_attributes(attributes)
    }
}

/// Does no I/O except reading credentials, since the client connects with the first publish.
async fn build(config: &PublisherConfig) -> Result<Client, Error> {
    let topic = format!("projects/{}/topics/{}", config.project, config.topic);
    // Without this limit the client retries for ten minutes. While Pub/Sub is unavailable, messages that no caller
    // waits for any more would pile up.
    let builder = Client::builder(topic).with_retry_policy(RetryableErrors.with_time_limit(config.timeout));
    let builder = match &config.emulator_host {
        Some(host) => builder
            .with_endpoint(format!("http://{host}"))
            .with_credentials(anonymous::Builder::new().build()),
        None => builder
            .with_credentials(Credentials::from(credentials::load(config.credentials_file.as_deref())?)),
    };
    builder
        .build()
        .await
        .map_err(|error| Error::Config(format!("the Pub/Sub client: {}", with_causes(&error))))
}
