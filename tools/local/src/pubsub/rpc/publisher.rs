use std::sync::Arc;

use tonic::{Request, Response, Status, async_trait};

use super::{generated::publisher_server, page::page};
use crate::pubsub::{
    broker::Broker,
    limits,
    proto::{
        DeleteTopicRequest, GetTopicRequest, ListTopicSubscriptionsRequest, ListTopicSubscriptionsResponse,
        ListTopicsRequest, ListTopicsResponse, PublishRequest, PublishResponse, Topic,
    },
};

pub(super) struct Publisher {
    pub(super) broker: Arc<Broker>,
}

#[async_trait]
impl publisher_server::Publisher for Publisher {
    async fn create_topic(&self, request: Request<Topic>) -> Result<Response<Topic>, Status> {
        let topic = request.into_inner();
        limits::topic_name(&topic.name)?;
        self.broker.registry_mut().create_topic(topic).map(Response::new)
    }

    async fn get_topic(&self, request: Request<GetTopicRequest>) -> Result<Response<Topic>, Status> {
        self.broker.registry().topic(&request.into_inner().topic).cloned().map(Response::new)
    }

    async fn list_topics(
        &self,
        request: Request<ListTopicsRequest>,
    ) -> Result<Response<ListTopicsResponse>, Status> {
        let request = request.into_inner();
        limits::project_name(&request.project)?;
        let prefix = format!("{}/", request.project);
        let registry = self.broker.registry();
        let topics = registry.topics().filter(|topic| topic.name.starts_with(&prefix)).cloned().collect();

        let (topics, next_page_token) =
            page(topics, |topic| &topic.name, request.page_size, &request.page_token)?;
        Ok(Response::new(ListTopicsResponse { topics, next_page_token }))
    }

    async fn list_topic_subscriptions(
        &self,
        request: Request<ListTopicSubscriptionsRequest>,
    ) -> Result<Response<ListTopicSubscriptionsResponse>, Status> {
        let request = request.into_inner();
        let subscriptions = self.broker.registry().subscriptions_of(&request.topic)?;
        let mut names: Vec<_> = subscriptions.iter().map(|subscription| subscription.name.clone()).collect();
        names.sort();
        let (subscriptions, next_page_token) =
            page(names, |name| name, request.page_size, &request.page_token)?;
        Ok(Response::new(ListTopicSubscriptionsResponse { subscriptions, next_page_token }))
    }

    async fn delete_topic(&self, request: Request<DeleteTopicRequest>) -> Result<Response<()>, Status> {
        self.broker.registry_mut().delete_topic(&request.into_inner().topic).map(Response::new)
    }

    async fn publish(&self, request: Request<PublishRequest>) -> Result<Response<PublishResponse>, Status> {
        let PublishRequest { topic, messages } = request.into_inner();
        limits::messages(&messages)?;
        if self.broker.dice.refuses_publish() {
            return Err(Status::unavailable("the publish was refused, as the faults ask for"));
        }
        let message_ids = self.broker.publish(&topic, messages)?;
        Ok(Response::new(PublishResponse { message_ids }))
    }
}
