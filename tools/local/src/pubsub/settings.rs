//! The checked configuration of a subscription.

use std::time::Duration;

use prost_types::Duration as ProtoDuration;
use reqwest::Url;
use tonic::Status;

use super::{
    limits::invalid,
    proto::{self, push_config::AuthenticationMethod, push_config::Wrapper},
    token::Claimant,
};

pub(super) const DEFAULT_ACK_DEADLINE: i32 = 10;
const DEFAULT_MIN_BACKOFF: Duration = Duration::from_secs(10);
const MAX_BACKOFF: Duration = Duration::from_mins(10);
const MIN_DELIVERY_ATTEMPTS: u32 = 5;
const MAX_DELIVERY_ATTEMPTS: u32 = 100;

#[derive(Debug)]
pub(super) struct Settings {
    pub(super) ack_deadline: Duration,
    /// Without a policy, a message is delivered again at once.
    pub(super) retry: Option<RetryPolicy>,
    pub(super) dead_letter: Option<DeadLetterPolicy>,
    /// Without a target, the subscription is a pull subscription.
    pub(super) push: Option<PushTarget>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct RetryPolicy {
    min: Duration,
    max: Duration,
}

#[derive(Debug)]
pub(super) struct DeadLetterPolicy {
    pub(super) topic: String,
    pub(super) max_attempts: u32,
}

#[derive(Debug)]
pub(super) struct PushTarget {
    pub(super) endpoint: Url,
    pub(super) claimant: Option<Claimant>,
}

impl Settings {
    /// Refuses the features that the stand-in does not have, instead of ignoring them.
    pub(super) fn check(config: &proto::Subscription) -> Result<Self, Status> {
        let unsupported = [
            (config.enable_message_ordering, "message ordering"),
            (config.enable_exactly_once_delivery, "exactly-once delivery"),
            (!config.filter.is_empty(), "filters"),
            (!config.message_transforms.is_empty(), "message transforms"),
            (config.bigquery_config.is_some(), "BigQuery subscriptions"),
            (config.cloud_storage_config.is_some(), "Cloud Storage subscriptions"),
            (config.bigtable_config.is_some(), "Bigtable subscriptions"),
        ];
        if let Some((_, what)) = unsupported.iter().find(|(asked, _)| *asked) {
            return Err(Status::unimplemented(format!("the Pub/Sub stand-in has no {what}")));
        }
        Ok(Self {
            ack_deadline: ack_deadline(config.ack_deadline_seconds)?,
            retry: config.retry_policy.as_ref().map(RetryPolicy::check).transpose()?,
            dead_letter: config.dead_letter_policy.as_ref().map(DeadLetterPolicy::check).transpose()?,
            push: config.push_config.as_ref().map(PushTarget::check).transpose()?.flatten(),
        })
    }
}

fn ack_deadline(seconds: i32) -> Result<Duration, Status> {
    match seconds {
        0 => Ok(Duration::from_secs(DEFAULT_ACK_DEADLINE.unsigned_abs().into())),
        10..=600 => Ok(Duration::from_secs(seconds.unsigned_abs().into())),
        _ => Err(invalid(format!("ack_deadline_seconds is 0 or 10 to 600, not {seconds}"))),
    }
}

impl RetryPolicy {
    fn check(policy: &proto::RetryPolicy) -> Result<Self, Status> {
        let min = backoff("minimum_backoff", policy.minimum_backoff, DEFAULT_MIN_BACKOFF)?;
        let max = backoff("maximum_backoff", policy.maximum_backoff, MAX_BACKOFF)?;
        if min > max {
            return Err(invalid("retry_policy.minimum_backoff is more than its maximum_backoff"));
        }
        Ok(Self { min, max })
    }

    /// The wait before the delivery after this attempt.
    pub(super) fn delay(self, attempt: u32) -> Duration {
        let factor = 2_u32.saturating_pow(attempt.saturating_sub(1));
        self.min.saturating_mul(factor).min(self.max)
    }
}

fn backoff(name: &str, value: Option<ProtoDuration>, default: Duration) -> Result<Duration, Status> {
    let Some(value) = value else {
        return Ok(default);
    };
    Duration::try_from(value)
        .ok()
        .filter(|backoff| *backoff <= MAX_BACKOFF)
        .ok_or_else(|| invalid(format!("retry_policy.{name} lies between 0 and 600 seconds")))
}

impl DeadLetterPolicy {
    fn check(policy: &proto::DeadLetterPolicy) -> Result<Self, Status> {
        let max_attempts = match u32::try_from(policy.max_delivery_attempts) {
            Ok(0) => MIN_DELIVERY_ATTEMPTS,
            Ok(attempts @ MIN_DELIVERY_ATTEMPTS..=MAX_DELIVERY_ATTEMPTS) => attempts,
            _ => {
                return Err(invalid("dead_letter_policy.max_delivery_attempts lies between 5 and 100"));
            }
        };
        Ok(Self { topic: policy.dead_letter_topic.clone(), max_attempts })
    }
}

impl PushTarget {
    /// An empty endpoint makes it a pull subscription.
    fn check(config: &proto::PushConfig) -> Result<Option<Self>, Status> {
        if config.push_endpoint.is_empty() {
            return Ok(None);
        }
        if let Some(Wrapper::NoWrapper(_)) = config.wrapper {
            return Err(Status::unimplemented("the Pub/Sub stand-in has no unwrapped pushes"));
        }
        let endpoint = Url::parse(&config.push_endpoint)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https"))
            .ok_or_else(|| invalid(format!("{:?} is not an http(s) push endpoint", config.push_endpoint)))?;
        let claimant = match &config.authentication_method {
            Some(AuthenticationMethod::OidcToken(token)) => Some(claimant(token, &config.push_endpoint)?),
            None => None,
        };
        Ok(Some(Self { endpoint, claimant }))
    }
}

fn claimant(token: &proto::push_config::OidcToken, endpoint: &str) -> Result<Claimant, Status> {
    if token.service_account_email.is_empty() {
        return Err(invalid("push_config.oidc_token.service_account_email is missing"));
    }
    let audience = if token.audience.is_empty() { endpoint } else { &token.audience };
    Ok(Claimant { email: token.service_account_email.clone(), audience: audience.to_owned() })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use tonic::Code;

    use super::*;

    fn seconds(seconds: i64) -> ProtoDuration {
        ProtoDuration { seconds, nanos: 0 }
    }

    fn refused(config: &proto::Subscription) -> Code {
        Settings::check(config).unwrap_err().code()
    }

    #[test]
    fn defaults_are_googles() {
        let settings = Settings::check(&proto::Subscription {
            retry_policy: Some(proto::RetryPolicy::default()),
            dead_letter_policy: Some(proto::DeadLetterPolicy::default()),
            ..Default::default()
        })
        .unwrap();
        assert_eq!(settings.ack_deadline.as_secs(), 10);
        assert_eq!(settings.dead_letter.unwrap().max_attempts, 5);
        let retry = settings.retry.unwrap();
        let delays: Vec<_> = (1..9).map(|attempt| retry.delay(attempt).as_secs()).collect();
        assert_eq!(delays, [10, 20, 40, 80, 160, 320, 600, 600]);
        assert_eq!(retry.delay(u32::MAX).as_secs(), 600);
    }

    #[test]
    fn values_out_of_range_are_refused() {
        let subscription = proto::Subscription::default;
        let policy = |minimum_backoff, maximum_backoff| proto::Subscription {
            retry_policy: Some(proto::RetryPolicy { minimum_backoff, maximum_backoff }),
            ..subscription()
        };
        let attempts = |max_delivery_attempts| proto::Subscription {
            dead_letter_policy: Some(proto::DeadLetterPolicy { max_delivery_attempts, ..Default::default() }),
            ..subscription()
        };
        let push = |push_endpoint: &str| proto::Subscription {
            push_config: Some(proto::PushConfig {
                push_endpoint: push_endpoint.to_owned(),
                ..Default::default()
            }),
            ..subscription()
        };
        for config in [
            proto::Subscription { ack_deadline_seconds: 9, ..subscription() },
            proto::Subscription { ack_deadline_seconds: 601, ..subscription() },
            policy(Some(seconds(601)), None),
            policy(Some(seconds(-1)), None),
            policy(Some(seconds(5)), Some(seconds(4))),
            attempts(4),
            attempts(101),
            attempts(-1),
            push("localhost"),
            push("ftp://localhost/"),
        ] {
            assert_eq!(refused(&config), Code::InvalidArgument, "{config:?}");
        }
    }

    #[test]
    fn what_is_not_there_is_not_ignored() {
        let config = proto::Subscription { enable_message_ordering: true, ..Default::default() };
        assert_eq!(refused(&config), Code::Unimplemented);
    }

    #[test]
    fn the_audience_is_the_endpoint_unless_it_is_given() {
        let token = proto::push_config::OidcToken {
            service_account_email: "a@b".to_owned(),
            audience: String::new(),
        };
        assert_eq!(claimant(&token, "http://x/push").unwrap().audience, "http://x/push");
        let token = proto::push_config::OidcToken { audience: "http://x".to_owned(), ..token };
        assert_eq!(claimant(&token, "http://x/push").unwrap().audience, "http://x");
    }
}
