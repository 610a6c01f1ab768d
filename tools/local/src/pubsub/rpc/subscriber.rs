use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming, async_trait};

use super::{generated::subscriber_server, page::page, streaming_pull};
use crate::pubsub::{
    backlog::Lease,
    broker::Broker,
    limits::{self, invalid},
    proto::{
        self, AcknowledgeRequest, DeleteSubscriptionRequest, GetSubscriptionRequest,
        ListSubscriptionsRequest, ListSubscriptionsResponse, ModifyAckDeadlineRequest,
        ModifyPushConfigRequest, PullRequest, PullResponse, ReceivedMessage, StreamingPullRequest,
        StreamingPullResponse, UpdateSubscriptionRequest,
    },
    settings::DEFAULT_ACK_DEADLINE,
    subscription::Subscription,
};

/// The time that a pull waits for a message.
const PULL_WAIT: Duration = Duration::from_secs(5);

pub(super) struct Subscriber {
    pub(super) broker: Arc<Broker>,
}

#[async_trait]
impl subscriber_server::Subscriber for Subscriber {
    async fn create_subscription(
        &self,
        request: Request<proto::Subscription>,
    ) -> Result<Response<proto::Subscription>, Status> {
        let mut config = request.into_inner();
        limits::subscription_name(&config.name)?;
        if config.ack_deadline_seconds == 0 {
            config.ack_deadline_seconds = DEFAULT_ACK_DEADLINE;
        }
        self.broker.create_subscription(config).map(Response::new)
    }

    async fn get_subscription(
        &self,
        request: Request<GetSubscriptionRequest>,
    ) -> Result<Response<proto::Subscription>, Status> {
        let subscription = self.broker.registry().subscription(&request.into_inner().subscription)?;
        Ok(Response::new(subscription.config()))
    }

    async fn update_subscription(
        &self,
        request: Request<UpdateSubscriptionRequest>,
    ) -> Result<Response<proto::Subscription>, Status> {
        let request = request.into_inner();
        let update = request.subscription.ok_or_else(|| invalid("subscription is missing"))?;
        let paths = request.update_mask.unwrap_or_default().paths;
        if paths.is_empty() {
            return Err(invalid("update_mask is missing or empty"));
        }
        let subscription = self.broker.registry().subscription(&update.name)?;
        let mut config = subscription.config();
        for path in paths {
            apply(&path, &mut config, &update)?;
        }
        self.broker.configure(&subscription, config).map(Response::new)
    }

    async fn list_subscriptions(
        &self,
        request: Request<ListSubscriptionsRequest>,
    ) -> Result<Response<ListSubscriptionsResponse>, Status> {
        let request = request.into_inner();
        limits::project_name(&request.project)?;
        let prefix = format!("{}/", request.project);
        let mut subscriptions: Vec<_> = self.broker.registry().subscriptions().cloned().collect();
        subscriptions.retain(|subscription| subscription.name.starts_with(&prefix));
        let (subscriptions, next_page_token) =
            page(subscriptions, |subscription| &subscription.name, request.page_size, &request.page_token)?;
        let subscriptions = subscriptions.iter().map(|subscription| subscription.config()).collect();
        Ok(Response::new(ListSubscriptionsResponse { subscriptions, next_page_token }))
    }

    async fn delete_subscription(
        &self,
        request: Request<DeleteSubscriptionRequest>,
    ) -> Result<Response<()>, Status> {
        self.broker.registry_mut().delete_subscription(&request.into_inner().subscription).map(Response::new)
    }

    async fn modify_push_config(
        &self,
        request: Request<ModifyPushConfigRequest>,
    ) -> Result<Response<()>, Status> {
        let request = request.into_inner();
        let subscription = self.broker.registry().subscription(&request.subscription)?;
        let config = proto::Subscription { push_config: request.push_config, ..subscription.config() };
        self.broker.configure(&subscription, config)?;
        Ok(Response::new(()))
    }

    async fn acknowledge(&self, request: Request<AcknowledgeRequest>) -> Result<Response<()>, Status> {
        let request = request.into_inner();
        let subscription = self.broker.registry().subscription(&request.subscription)?;
        acknowledge(&self.broker, &subscription, &request.ack_ids)?;
        Ok(Response::new(()))
    }

    async fn modify_ack_deadline(
        &self,
        request: Request<ModifyAckDeadlineRequest>,
    ) -> Result<Response<()>, Status> {
        let request = request.into_inner();
        let subscription = self.broker.registry().subscription(&request.subscription)?;
        for ack_id in &request.ack_ids {
            modify_deadline(&self.broker, &subscription, ack_id, request.ack_deadline_seconds)?;
        }
        Ok(Response::new(()))
    }

    async fn pull(&self, request: Request<PullRequest>) -> Result<Response<PullResponse>, Status> {
        let request = request.into_inner();
        let limit = usize::try_from(request.max_messages).unwrap_or_default();
        if limit == 0 {
            return Err(invalid("max_messages is a positive number"));
        }
        let subscription = pullable(&self.broker, &request.subscription)?;
        let leases = timeout(PULL_WAIT, pull(&self.broker, &subscription, limit)).await.unwrap_or_default();
        Ok(Response::new(PullResponse { received_messages: received(&subscription, leases) }))
    }

    type StreamingPullStream = ReceiverStream<Result<StreamingPullResponse, Status>>;

    async fn streaming_pull(
        &self,
        request: Request<Streaming<StreamingPullRequest>>,
    ) -> Result<Response<Self::StreamingPullStream>, Status> {
        streaming_pull::open(self.broker.clone(), request.into_inner()).await.map(Response::new)
    }
}

fn apply(path: &str, config: &mut proto::Subscription, update: &proto::Subscription) -> Result<(), Status> {
    let update = update.clone();
    match path {
        "ack_deadline_seconds" => config.ack_deadline_seconds = update.ack_deadline_seconds,
        "dead_letter_policy" => config.dead_letter_policy = update.dead_letter_policy,
        "expiration_policy" => config.expiration_policy = update.expiration_policy,
        "labels" => config.labels = update.labels,
        "message_retention_duration" => {
            config.message_retention_duration = update.message_retention_duration;
        }
        "push_config" => config.push_config = update.push_config,
        "retry_policy" => config.retry_policy = update.retry_policy,
        _ => return Err(invalid(format!("update_mask: {path:?} cannot be updated"))),
    }
    Ok(())
}

pub(super) fn pullable(broker: &Broker, name: &str) -> Result<Arc<Subscription>, Status> {
    let subscription = broker.registry().subscription(name)?;
    if subscription.settings().push.is_some() {
        return Err(Status::failed_precondition(format!("{name} is a push subscription")));
    }
    Ok(subscription)
}

/// Waits until there is a message to hand out.
pub(super) async fn pull(broker: &Broker, subscription: &Subscription, limit: usize) -> Vec<Lease> {
    let mut changed = subscription.watch();
    loop {
        changed.borrow_and_update();
        let leases = broker.lease(subscription, limit, subscription.settings().ack_deadline);
        if !leases.is_empty() {
            return leases;
        }
        subscription.wait(&mut changed).await;
    }
}

pub(super) fn received(subscription: &Subscription, leases: Vec<Lease>) -> Vec<ReceivedMessage> {
    let counted = subscription.settings().dead_letter.is_some();
    let receive = |Lease { id, delivery }| ReceivedMessage {
        ack_id: id.to_string(),
        message: Some((*delivery.message).clone()),
        delivery_attempt: if counted { delivery.attempt.cast_signed() } else { 0 },
    };
    leases.into_iter().map(receive).collect()
}

pub(super) fn acknowledge(
    broker: &Broker,
    subscription: &Subscription,
    ack_ids: &[String],
) -> Result<(), Status> {
    for ack_id in ack_ids {
        broker.ack(subscription, lease_id(ack_id)?);
    }
    Ok(())
}

/// A deadline of zero is a negative acknowledgement.
pub(super) fn modify_deadline(
    broker: &Broker,
    subscription: &Subscription,
    ack_id: &str,
    seconds: i32,
) -> Result<(), Status> {
    let lease = lease_id(ack_id)?;
    match seconds {
        0 => broker.nack(subscription, lease),
        1..=600 => {
            let time = Duration::from_secs(seconds.unsigned_abs().into());
            subscription.extend(lease, Instant::now(), time);
        }
        _ => {
            return Err(invalid(format!("the ack deadline is 0 to 600 seconds, not {seconds}")));
        }
    }
    Ok(())
}

fn lease_id(ack_id: &str) -> Result<u64, Status> {
    ack_id.parse().map_err(|_| invalid(format!("{ack_id:?} is not an ack ID")))
}
