//! The part of the gRPC API `google.pubsub.v1` that the stand-in supports.

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

/// The name of `google.protobuf.Empty` in the generated code.
pub(crate) type Empty = ();

#[allow(clippy::all, clippy::pedantic, unreachable_pub)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/google.pubsub.v1.Publisher.rs"));
    include!(concat!(env!("OUT_DIR"), "/google.pubsub.v1.Subscriber.rs"));
}

/// This limit is larger than that of a publish, so that a larger publish gets a clear error.
const MAX_DECODED_BYTES: usize = 2 * MAX_REQUEST_BYTES;

pub(super) fn router(broker: &Arc<Broker>) -> axum::Router {
    let publisher = PublisherServer::new(Publisher { broker: broker.clone() });
    let subscriber = SubscriberServer::new(Subscriber { broker: broker.clone() });
    Routes::new(publisher.max_decoding_message_size(MAX_DECODED_BYTES))
        .add_service(subscriber)
        .into_axum_router()
}
