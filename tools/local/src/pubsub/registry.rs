//! The existing topics and subscriptions.

use std::{collections::BTreeMap, sync::Arc};

use tokio::task::AbortHandle;
use tonic::Status;

use super::{proto, subscription::Subscription};

#[derive(Default)]
pub(super) struct Registry {
    topics: BTreeMap<String, Topic>,
    subscriptions: BTreeMap<String, Registered>,
}

struct Topic {
    config: proto::Topic,
    subscriptions: Vec<Arc<Subscription>>,
}

struct Registered {
    subscription: Arc<Subscription>,
    delivery: AbortHandle,
}

impl Registry {
    pub(super) fn create_topic(&mut self, config: proto::Topic) -> Result<proto::Topic, Status> {
        if self.topics.contains_key(&config.name) {
            return Err(exists(&config.name));
        }
        let topic = Topic { config: config.clone(), subscriptions: Vec::new() };
        self.topics.insert(config.name.clone(), topic);
        Ok(config)
    }

    pub(super) fn topic(&self, name: &str) -> Result<&proto::Topic, Status> {
        self.topics.get(name).map(|topic| &topic.config).ok_or_else(|| unknown(name))
    }

    pub(super) fn topics(&self) -> impl Iterator<Item = &proto::Topic> {
        self.topics.values().map(|topic| &topic.config)
    }

    pub(super) fn subscriptions_of(&self, topic: &str) -> Result<Vec<Arc<Subscription>>, Status> {
        let topic = self.topics.get(topic).ok_or_else(|| unknown(topic))?;
        Ok(topic.subscriptions.clone())
    }

    /// The subscriptions of a deleted topic remain, with their messages.
    pub(super) fn delete_topic(&mut self, name: &str) -> Result<(), Status> {
        let topic = self.topics.remove(name).ok_or_else(|| unknown(name))?;
        for subscription in topic.subscriptions {
            subscription.lose_topic();
        }
        Ok(())
    }

    /// `deliver` starts the delivery of the subscription. It is called only once the checks have passed.
    pub(super) fn create_subscription(
        &mut self,
        topic: &str,
        subscription: &Arc<Subscription>,
        deliver: impl FnOnce() -> AbortHandle,
    ) -> Result<(), Status> {
        if self.subscriptions.contains_key(&subscription.name) {
            return Err(exists(&subscription.name));
        }
        let topic = self.topics.get_mut(topic).ok_or_else(|| unknown(topic))?;
        topic.subscriptions.push(subscription.clone());
        let registered = Registered { subscription: subscription.clone(), delivery: deliver() };
        self.subscriptions.insert(subscription.name.clone(), registered);
        Ok(())
    }

    pub(super) fn subscription(&self, name: &str) -> Result<Arc<Subscription>, Status> {
        let registered = self.subscriptions.get(name).ok_or_else(|| unknown(name))?;
        Ok(registered.subscription.clone())
    }

    pub(super) fn subscriptions(&self) -> impl Iterator<Item = &Arc<Subscription>> {
        self.subscriptions.values().map(|registered| &registered.subscription)
    }

    pub(super) fn delete_subscription(&mut self, name: &str) -> Result<(), Status> {
        let registered = self.subscriptions.remove(name).ok_or_else(|| unknown(name))?;
        registered.delivery.abort();
        for topic in self.topics.values_mut() {
            topic.subscriptions.retain(|subscription| subscription.name != name);
        }
        Ok(())
    }
}

fn unknown(name: &str) -> Status {
    Status::not_found(format!("Resource not found (resource={}).", short(name)))
}

fn exists(name: &str) -> Status {
    Status::already_exists(format!("Resource already exists in the project (resource={}).", short(name)))
}

fn short(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}
