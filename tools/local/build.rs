//! Generates the Pub/Sub servers from a list of methods. The messages come from a crate that has generated them
//! already, so the build needs no `protoc`. A method that is not listed answers UNIMPLEMENTED.

use tonic_build::manual::{Builder, Method, MethodBuilder, Service};

const MESSAGES: &str = "googleapis_tonic_google_pubsub_v1::google::pubsub::v1";

fn main() {
    let publisher = Service::builder()
        .name("Publisher")
        .package("google.pubsub.v1")
        .method(unary("create_topic", "CreateTopic", "Topic", "Topic"))
        .method(unary("get_topic", "GetTopic", "GetTopicRequest", "Topic"))
        .method(listing("list_topics", "ListTopics"))
        .method(listing("list_topic_subscriptions", "ListTopicSubscriptions"))
        .method(unary("delete_topic", "DeleteTopic", "DeleteTopicRequest", "Empty"))
        .method(unary("publish", "Publish", "PublishRequest", "PublishResponse"))
        .build();
    let subscriber = Service::builder()
        .name("Subscriber")
        .package("google.pubsub.v1")
        .method(unary("create_subscription", "CreateSubscription", "Subscription", "Subscription"))
        .method(unary("get_subscription", "GetSubscription", "GetSubscriptionRequest", "Subscription"))
        .method(unary(
            "update_subscription",
            "UpdateSubscription",
            "UpdateSubscriptionRequest",
            "Subscription",
        ))
        .method(listing("list_subscriptions", "ListSubscriptions"))
        .method(unary("delete_subscription", "DeleteSubscription", "DeleteSubscriptionRequest", "Empty"))
        .method(unary("modify_push_config", "ModifyPushConfig", "ModifyPushConfigRequest", "Empty"))
        .method(unary("acknowledge", "Acknowledge", "AcknowledgeRequest", "Empty"))
        .method(unary("modify_ack_deadline", "ModifyAckDeadline", "ModifyAckDeadlineRequest", "Empty"))
        .method(unary("pull", "Pull", "PullRequest", "PullResponse"))
        .method(streaming_pull())
        .build();
    Builder::new().build_client(false).compile(&[publisher, subscriber]);
}

fn unary(name: &str, route: &str, request: &str, response: &str) -> Method {
    method(name, route, request, response).build()
}

fn listing(name: &str, route: &str) -> Method {
    unary(name, route, &format!("{route}Request"), &format!("{route}Response"))
}

fn streaming_pull() -> Method {
    method("streaming_pull", "StreamingPull", "StreamingPullRequest", "StreamingPullResponse")
        .client_streaming()
        .server_streaming()
        .build()
}

fn method(name: &str, route: &str, request: &str, response: &str) -> MethodBuilder {
    Method::builder()
        .name(name)
        .route_name(route)
        .input_type(path(request))
        .output_type(path(response))
        .codec_path("tonic_prost::ProstCodec")
}

fn path(message: &str) -> String {
    match message {
        "Empty" => "crate::pubsub::rpc::Empty".to_owned(),
        _ => format!("{MESSAGES}::{message}"),
    }
}
