use std::net::IpAddr;
use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use governor::middleware::StateInformationMiddleware;
use governor::{DefaultKeyedRateLimiter, RateLimiter};
use service::Problem;

use super::bucket::Bucket;

const FORGET_EVERY: Duration = Duration::from_mins(1);

/// Limits the requests a second from one address, for all senders at that address. It comes before all other checks.
#[derive(Clone)]
pub struct AddressLimit {
    bucket: Bucket,
    limiter: Arc<DefaultKeyedRateLimiter<IpAddr, StateInformationMiddleware>>,
}

impl AddressLimit {
    pub fn of(rate: NonZero<u32>) -> Self {
        let bucket = Bucket { of: "address", unit: "requests", rate, burst: rate };
        Self { bucket, limiter: Arc::new(RateLimiter::keyed(bucket.quota()).with_middleware()) }
    }

    /// Also starts a task that removes addresses without recent requests, so that they take no memory.
    pub(crate) fn start(rate: NonZero<u32>) -> Self {
        let limit = Self::of(rate);
        tokio::spawn(limit.clone().forget());
        limit
    }

    pub(crate) fn guard<S: Clone + Send + Sync + 'static>(self, router: Router<S>) -> Router<S> {
        router.route_layer(from_fn_with_state(self, pass))
    }

    async fn forget(self) {
        loop {
            tokio::time::sleep(FORGET_EVERY).await;
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
        }
    }
}

async fn pass(State(limit): State<AddressLimit>, request: Request, next: Next) -> Result<Response, Problem> {
    let Some(network) = service::client_network(request.extensions(), request.headers()) else {
        return Ok(next.run(request).await);
    };
    match limit.limiter.check_key(&network) {
        Ok(after) => {
            let mut response = next.run(request).await;
            limit.bucket.tell(after.remaining_burst_capacity(), response.headers_mut());
            Ok(response)
        }
        Err(until) => Err(limit.bucket.empty(&until)),
    }
}
