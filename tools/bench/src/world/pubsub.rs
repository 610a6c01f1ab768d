use googleapis_tonic_google_pubsub_v1::google::pubsub::v1::{
    DeleteSubscriptionRequest, subscriber_client::SubscriberClient,
};
use local::stack::Part;
use serde::Deserialize;
use tonic::transport::Channel;

use super::World;
use crate::Error;

/// The counters of the stand-in since its start.
#[derive(Deserialize)]
pub(crate) struct Counted {
    pub(crate) acked: u64,
}

impl World {
    /// Restarts the stand-in without its messages. It pushes what is published to process-push.
    pub(crate) async fn pubsub_pushes(&self) -> Result<(), Error> {
        self.stack.restart(Part::Pubsub).await
    }

    /// Restarts the stand-in without its messages and removes its subscriptions. Published messages go nowhere, which
    /// leaves the CPU to the publisher.
    pub(crate) async fn pubsub_drops(&self) -> Result<(), Error> {
        self.pubsub_pushes().await?;
        let settings = self.stack.settings();
        let address = format!("http://127.0.0.1:{}", self.port(Part::Pubsub));
        let channel = Channel::from_shared(address)?.connect().await?;
        let mut subscriber = SubscriberClient::new(channel);
        for name in [settings.subscription.clone(), settings.dead_letter_subscription()] {
            let subscription = format!("projects/{}/subscriptions/{name}", settings.project);
            subscriber.delete_subscription(DeleteSubscriptionRequest { subscription }).await?;
        }
        Ok(())
    }

    pub(crate) async fn pubsub_counted(&self) -> Result<Counted, Error> {
        let url = format!("http://127.0.0.1:{}/control/stats", self.port(Part::Pubsub));
        Ok(self.client.get(url).send().await?.error_for_status()?.json().await?)
    }
}
