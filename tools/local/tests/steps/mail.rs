use std::net::Ipv4Addr;

use axum::body::Body;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use event::EventId;
use googleapis_tonic_google_pubsub_v1::google::pubsub::v1::publisher_client::PublisherClient;
use googleapis_tonic_google_pubsub_v1::google::pubsub::v1::subscriber_client::SubscriberClient;
use googleapis_tonic_google_pubsub_v1::google::pubsub::v1::{
    AcknowledgeRequest, PubsubMessage, PullRequest, Subscription, Topic,
};
use local::pubsub::{Args, run};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tonic::transport::{Channel, Endpoint};

const TOPIC: &str = "projects/test/topics/events";
const SUBSCRIPTION: &str = "projects/test/subscriptions/events-worker";
/// A message that is refused this many times goes to the dead letters.
const MAX_DELIVERIES: u32 = 5;

/// The services publish to the stand-in. From there on the test takes the part of Pub/Sub, and decides when each copy
/// is delivered.
pub(crate) struct Mail {
    pub(crate) address: String,
    pub(crate) copies: Vec<Message>,
    pub(crate) dead_letters: Vec<Message>,
    channel: Channel,
    http: reqwest::Client,
    server: JoinHandle<()>,
}

#[derive(Clone, Debug)]
pub(crate) struct Message {
    id: EventId,
    message: PubsubMessage,
    refused: u32,
}

impl Mail {
    pub(crate) async fn start() -> Self {
        let host = Ipv4Addr::LOCALHOST;
        let listener = TcpListener::bind((host, 0)).await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let issuer = "http://127.0.0.1:9".parse().unwrap();
        let args = Args { port: 0, host: host.into(), issuer, max_backoff_ms: 0 };
        let server = tokio::spawn(async move { run(listener, &args).await.unwrap() });
        let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy();
        let topic = Topic { name: TOPIC.into(), ..Default::default() };
        PublisherClient::new(channel.clone()).create_topic(topic).await.unwrap();
        let subscription =
            Subscription { name: SUBSCRIPTION.into(), topic: TOPIC.into(), ..Default::default() };
        SubscriberClient::new(channel.clone()).create_subscription(subscription).await.unwrap();
        Self {
            address,
            copies: Vec::new(),
            dead_letters: Vec::new(),
            channel,
            http: reqwest::Client::new(),
            server,
        }
    }

    /// Fetches the messages that were published since the last call.
    pub(crate) async fn collect(&mut self) {
        let stats = self.http.get(format!("http://{}/control/stats", self.address)).send().await.unwrap();
        let waiting = stats.json::<Value>().await.unwrap()["waiting"].as_i64().unwrap();
        if waiting == 0 {
            return;
        }
        let mut client = SubscriberClient::new(self.channel.clone());
        let subscription = SUBSCRIPTION.to_owned();
        let max_messages = waiting.try_into().unwrap();
        let pull = PullRequest { subscription: subscription.clone(), max_messages, ..Default::default() };
        let received = client.pull(pull).await.unwrap().into_inner().received_messages;
        let ack_ids = received.iter().map(|one| one.ack_id.clone()).collect();
        client.acknowledge(AcknowledgeRequest { subscription, ack_ids }).await.unwrap();
        let mut new: Vec<_> = received.into_iter().filter_map(|one| one.message).map(Message::new).collect();
        // The messages of one page come in any order, but a list of operations must always mean the same.
        new.sort_by_key(|message| message.id);
        self.copies.extend(new);
    }

    /// Takes back a message whose delivery was not acknowledged.
    pub(crate) fn refused(&mut self, message: Message) {
        let message = Message { refused: message.refused + 1, ..message };
        if message.refused < MAX_DELIVERIES {
            self.copies.push(message);
        } else {
            self.dead_letters.push(message);
        }
    }
}

impl Message {
    fn new(message: PubsubMessage) -> Self {
        let id = str::from_utf8(&message.data).unwrap().parse().unwrap();
        Self { id, message, refused: 0 }
    }

    /// The body of a push, as Pub/Sub sends it.
    pub(crate) fn envelope(&self) -> Body {
        let PubsubMessage { data, message_id, attributes, .. } = &self.message;
        let message = json!({
            "data": BASE64_STANDARD.encode(data), "messageId": message_id, "attributes": attributes,
        });
        json!({ "message": message, "subscription": SUBSCRIPTION }).to_string().into()
    }
}

impl Drop for Mail {
    fn drop(&mut self) {
        self.server.abort();
    }
}
