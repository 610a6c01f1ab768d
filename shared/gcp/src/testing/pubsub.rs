//! A server with the part of Pub/Sub's gRPC API that a publisher uses. It can be slow or return errors.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::post;
use googleapis_tonic_google_pubsub_v1::google::pubsub::v1::{PublishRequest, PublishResponse};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::service::Routes;
use tonic::{Code, Status};

#[derive(Clone, Copy)]
pub enum Behaviour {
    Confirm,
    Slow(Duration),
    Fail(Code, &'static str),
    FailOnce(Code),
}

#[derive(Clone, Debug)]
pub struct Received {
    pub topic: String,
    pub data: String,
    pub attributes: HashMap<String, String>,
}

/// A server with the one method of `google.pubsub.v1.Publisher` that a publisher calls.
#[derive(Clone)]
pub struct PubSub {
    host: String,
    state: Arc<Mutex<Seen>>,
}

struct Seen {
    behaviour: Behaviour,
    calls: usize,
    messages: Vec<Received>,
}

impl PubSub {
    pub async fn start() -> Self {
        Self::start_at("127.0.0.1:0").await
    }

    pub async fn start_at(address: &str) -> Self {
        let listener = TcpListener::bind(address).await.expect("the port is free");
        let server = Self {
            host: listener.local_addr().expect("it is bound").to_string(),
            state: Arc::new(Mutex::new(Seen {
                behaviour: Behaviour::Confirm,
                calls: 0,
                messages: Vec::new(),
            })),
        };
        let router = axum::Router::new()
            .route("/google.pubsub.v1.Publisher/Publish", post(publish))
            .with_state(server.clone());
        tokio::spawn(
            tonic::transport::Server::builder()
                .add_routes(Routes::from(router))
                .serve_with_incoming(TcpListenerStream::new(listener)),
        );
        server
    }

    pub fn host(&self) -> String {
        self.host.clone()
    }

    pub fn behave(&self, behaviour: Behaviour) {
        self.state.lock().expect("nobody panics under this lock").behaviour = behaviour;
    }

    pub fn received(&self) -> Vec<Received> {
        self.state.lock().expect("nobody panics under this lock").messages.clone()
    }

    pub fn calls(&self) -> usize {
        self.state.lock().expect("nobody panics under this lock").calls
    }

    fn next_behaviour(&self) -> Behaviour {
        let mut state = self.state.lock().expect("nobody panics under this lock");
        state.calls += 1;
        let behaviour = state.behaviour;
        if matches!(behaviour, Behaviour::FailOnce(_)) {
            state.behaviour = Behaviour::Confirm;
        }
        behaviour
    }

    async fn take(&self, request: PublishRequest) -> Result<PublishResponse, Status> {
        match self.next_behaviour() {
            Behaviour::Confirm => {}
            Behaviour::Slow(delay) => tokio::time::sleep(delay).await,
            Behaviour::Fail(code, message) => return Err(Status::new(code, message)),
            Behaviour::FailOnce(code) => return Err(Status::new(code, "once")),
        }
        let mut state = self.state.lock().expect("nobody panics under this lock");
        let mut message_ids = Vec::new();
        for message in request.messages {
            message_ids.push(state.messages.len().to_string());
            state.messages.push(Received {
                topic: request.topic.clone(),
                data: String::from_utf8(message.data).expect("an id is text"),
                attributes: message.attributes,
            });
        }
        Ok(PublishResponse { message_ids })
    }
}

async fn publish(State(server): State<PubSub>, request: Request) -> Response {
    let method = tower::service_fn(move |request: tonic::Request<PublishRequest>| {
        let server = server.clone();
        async move { server.take(request.into_inner()).await.map(tonic::Response::new) }
    });
    tonic::server::Grpc::new(tonic_prost::ProstCodec::default())
        .unary(method, request)
        .await
        .map(axum::body::Body::new)
}
