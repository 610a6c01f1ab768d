//! The gRPC API `google.pubsub.v1`, as far as the stand-in has it.

mod page;
mod publisher;
mod streaming_pull;
mod subscriber;

use std::sync::Arc;

use tonic::service::Routes;

use self::{
    generated::{publisher_server::PublisherServer, subscriber_server::SubscriberServer},
    publisher::Publisher,
    subscriber::Subscriber,
};
use super::{broker::Broker, limits::MAX_REQUEST_BYTES};

/// What the generated code calls `google.protobuf.Empty`.
pub(crate) type Empty = ();

#[allow(clippy::all, clippy::pedantic, unreachable_pub)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/google.pubsub.v1.Publisher.rs"));
    include!(concat!(env!("OUT_DIR"), "/google.pubsub.v1.Subscriber.rs"));
}

/// Roomier than a publish may be, so that one that is too large is told so and not cut off.
const MAX_DECODED_BYTES: usize = 2 * MAX_REQUEST_BYTES;

pub(super) fn router(broker: &Arc<Broker>) -> axum::Router {
    let publisher = PublisherServer::new(Publisher { broker: broker.clone() });
    let subscriber = SubscriberServer::new(Subscriber { broker: broker.clone() });
    Routes::new(publisher.max_decoding_message_size(MAX_DECODED_BYTES))
        .add_service(subscriber)
        .into_axum_router()
}
