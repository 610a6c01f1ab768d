//! A stand-in on a free port. Messages go through Google's client, and everything else through a plain gRPC client,
//! because Google's Rust client uses REST there.

use std::{net::Ipv4Addr, time::Duration};

use google_cloud_auth::credentials::anonymous;
use google_cloud_gax::retry_policy::NeverRetry;
use google_cloud_pubsub::{
    client::{Publisher, Subscriber},
    error::PublishError,
    model::Message,
};
use googleapis_tonic_google_pubsub_v1::google::pubsub::v1::{
    PushConfig, RetryPolicy, Subscription, Topic, publisher_client::PublisherClient,
    subscriber_client::SubscriberClient,
};
use local::pubsub::{Args, run};
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinHandle, time::sleep};
use tonic::transport::{Channel, Endpoint};

pub const TOPIC: &str = "projects/test/topics/events";
pub const SUBSCRIPTION: &str = "projects/test/subscriptions/worker";

pub struct StandIn {
    url: String,
    publisher: Publisher,
    channel: Channel,
    server: JoinHandle<()>,
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl StandIn {
    /// Starts a stand-in that already has the topic.
    pub async fn start() -> Self {
        Self::start_with("http://127.0.0.1:9", 5_000).await
    }

    pub async fn start_with(issuer: &str, max_backoff_ms: u64) -> Self {
        let host = Ipv4Addr::LOCALHOST;
        let listener = TcpListener::bind((host, 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let args = Args { port: 0, host: host.into(), issuer: issuer.parse().unwrap(), max_backoff_ms };
        let server = tokio::spawn(async move { run(listener, &args).await.unwrap() });
        // The server installs the provider too, but the clients below may be built first.
        let _ = rustls::crypto::ring::default_provider().install_default();

        let publisher = Publisher::builder(TOPIC)
            .with_endpoint(&url)
            .with_credentials(anonymous::Builder::new().build())
            .with_retry_policy(NeverRetry)
            .set_delay_threshold(Duration::from_millis(1));
        let stand_in = Self {
            publisher: publisher.build().await.unwrap(),
            channel: Endpoint::from_shared(url.clone()).unwrap().connect_lazy(),
            url,
            server,
        };
        stand_in.create_topic(TOPIC).await;
        stand_in
    }

    pub fn topics(&self) -> PublisherClient<Channel> {
        PublisherClient::new(self.channel.clone())
    }

    pub fn subscriptions(&self) -> SubscriberClient<Channel> {
        SubscriberClient::new(self.channel.clone())
    }

    pub async fn create_topic(&self, name: &str) {
        let topic = Topic { name: name.to_owned(), ..Default::default() };
        self.topics().create_topic(topic).await.unwrap();
    }

    pub async fn subscribe(&self, subscription: Subscription) {
        self.subscriptions().create_subscription(subscription).await.unwrap();
    }

    pub async fn publish(&self, data: impl Into<String>) -> String {
        self.try_publish(Message::new().set_data(data.into())).await.unwrap()
    }

    pub async fn try_publish(&self, message: Message) -> Result<String, PublishError> {
        self.publisher.publish(message).await
    }

    pub async fn subscriber(&self) -> Subscriber {
        let anonymous = anonymous::Builder::new().build();
        Subscriber::builder().with_endpoint(&self.url).with_credentials(anonymous).build().await.unwrap()
    }

    pub async fn set_faults(&self, faults: Value) -> reqwest::Response {
        let url = format!("{}/control/faults", self.url);
        reqwest::Client::new().put(url).json(&faults).send().await.unwrap()
    }

    pub async fn get(&self, path: &str) -> reqwest::Response {
        reqwest::get(format!("{}{path}", self.url)).await.unwrap()
    }

    pub async fn faults(&self) -> Value {
        self.get("/control/faults").await.json().await.unwrap()
    }

    pub async fn stats(&self) -> Value {
        self.get("/control/stats").await.json().await.unwrap()
    }

    /// Returns the statistics once they satisfy the condition.
    pub async fn stats_when(&self, condition: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..400 {
            let stats = self.stats().await;
            if condition(&stats) {
                return stats;
            }
            sleep(Duration::from_millis(25)).await;
        }
        panic!("it did not come to this: {:#}", self.stats().await);
    }
}

pub fn subscription() -> Subscription {
    Subscription { name: SUBSCRIPTION.to_owned(), topic: TOPIC.to_owned(), ..Default::default() }
}

pub fn push_to(endpoint: &str) -> Subscription {
    let config = PushConfig { push_endpoint: endpoint.to_owned(), ..Default::default() };
    Subscription { push_config: Some(config), ..subscription() }
}

pub fn retry_after(min: Duration, max: Duration) -> RetryPolicy {
    RetryPolicy {
        minimum_backoff: Some(min.try_into().unwrap()),
        maximum_backoff: Some(max.try_into().unwrap()),
    }
}
