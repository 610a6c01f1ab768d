//! Delivery by HTTP push.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use http::{HeaderMap, HeaderValue, StatusCode, header};
use reqwest::{Client, Response, Url, redirect};
use tokio::time::sleep;

use super::{
    backlog::Lease,
    broker::Broker,
    envelope,
    settings::{PushTarget, Settings},
    subscription::Subscription,
    token::Tokens,
};

/// The time after which a subscription asks an unreachable issuer again.
const ISSUER_RETRY: Duration = Duration::from_millis(250);

pub(super) struct Pusher {
    client: Client,
    tokens: Tokens,
}

impl Pusher {
    pub(super) fn new(issuer: &Url) -> Result<Self, crate::Error> {
        let client = Client::builder()
            .user_agent("CloudPubSub-Google")
            // A redirect is no acknowledgement, and requests on this machine need no proxy.
            .redirect(redirect::Policy::none())
            .no_proxy()
            .build()?;
        let tokens = Tokens::new(client.clone(), issuer)?;
        Ok(Self { client, tokens })
    }

    async fn authorization(&self, target: &PushTarget) -> Result<Option<HeaderValue>, crate::Error> {
        match &target.claimant {
            Some(claimant) => self.tokens.header(claimant).await.map(Some),
            None => Ok(None),
        }
    }
}

/// One push: its lease, and the settings that all pushes of one turn share.
struct Push {
    broker: Arc<Broker>,
    subscription: Arc<Subscription>,
    settings: Arc<Settings>,
    authorization: Option<HeaderValue>,
    lease: Lease,
}

/// Delivers for one subscription until it is deleted, and ends the leases that no receiver settles.
pub(super) async fn run(broker: Arc<Broker>, subscription: Arc<Subscription>) {
    let mut changed = subscription.watch();
    let mut told = false;
    loop {
        changed.borrow_and_update();
        match turn(&broker, &subscription).await {
            Ok(()) => {
                told = false;
                subscription.wait(&mut changed).await;
            }
            Err(error) => {
                if !told {
                    tracing::warn!(subscription = subscription.name, error, "no token for the push yet");
                }
                told = true;
                sleep(ISSUER_RETRY).await;
            }
        }
    }
}

/// Starts the pushes that are allowed now. The token is fetched first, so that messages wait for an unreachable
/// issuer and are not spent on pushes that would be refused.
async fn turn(broker: &Arc<Broker>, subscription: &Arc<Subscription>) -> Result<(), crate::Error> {
    broker.expire(subscription);
    let settings = subscription.settings();
    if let Some(target) = &settings.push
        && subscription.may_push(Instant::now())
    {
        let authorization = broker.pusher.authorization(target).await?;
        start(broker, subscription, &settings, authorization.as_ref());
    }
    Ok(())
}

fn start(
    broker: &Arc<Broker>,
    subscription: &Arc<Subscription>,
    settings: &Arc<Settings>,
    authorization: Option<&HeaderValue>,
) {
    for lease in subscription.lease_for_push(Instant::now()) {
        let push = Push {
            broker: broker.clone(),
            subscription: subscription.clone(),
            settings: settings.clone(),
            authorization: authorization.cloned(),
            lease,
        };
        tokio::spawn(push.run());
    }
}

impl Push {
    async fn run(self) {
        let Self { broker, subscription, lease, .. } = &self;
        broker.counters.pushed.add(1);
        match self.post().await {
            Ok(answer) if acknowledges(answer.status()) => {
                broker.ack(subscription, lease.id);
                drain(answer).await;
            }
            Ok(answer) => {
                tracing::debug!(subscription = subscription.name, status = %answer.status(), "push was refused");
                self.forget_refused_token(answer.status()).await;
                broker.nack(subscription, lease.id);
                drain(answer).await;
            }
            Err(error) => {
                tracing::debug!(subscription = subscription.name, error, "push failed");
                broker.nack(subscription, lease.id);
            }
        }
    }

    /// The acknowledgement deadline is the time limit of the request.
    async fn post(&self) -> Result<Response, crate::Error> {
        let Some(target) = &self.settings.push else {
            return Err("the subscription is not a push subscription".into());
        };
        let counted = self.settings.dead_letter.is_some();
        let body = envelope::to_json(&self.subscription.name, &self.lease.delivery, counted)?;
        let json = HeaderValue::from_static("application/json");
        let mut headers = HeaderMap::from_iter([(header::CONTENT_TYPE, json)]);
        headers.extend(self.authorization.clone().map(|token| (header::AUTHORIZATION, token)));
        let request = self.broker.pusher.client.post(target.endpoint.clone());
        Ok(request.timeout(self.settings.ack_deadline).headers(headers).body(body).send().await?)
    }

    async fn forget_refused_token(&self, status: StatusCode) {
        if status == StatusCode::UNAUTHORIZED
            && let Some(claimant) = self.settings.push.as_ref().and_then(|push| push.claimant.as_ref())
            && let Some(authorization) = &self.authorization
        {
            self.broker.pusher.tokens.refused(claimant, authorization).await;
        }
    }
}

fn acknowledges(status: StatusCode) -> bool {
    matches!(status.as_u16(), 102 | 200 | 201 | 202 | 204)
}

/// A connection is used again only if its last answer was read to the end.
async fn drain(answer: Response) {
    if let Err(error) = answer.bytes().await {
        tracing::debug!(%error, "the answer to a push broke off");
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn only_five_statuses_acknowledge() {
        let acks: Vec<_> =
            (100..600).filter(|&code| acknowledges(StatusCode::from_u16(code).unwrap())).collect();
        assert_eq!(acks, [102, 200, 201, 202, 204]);
    }
}
