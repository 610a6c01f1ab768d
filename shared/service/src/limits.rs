use std::num::NonZero;
use std::time::Duration;

use crate::env::{Env, Noted};

/// How much of a service its clients may hold, and for how long.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    /// Of more, those that wait longest for their client are cut.
    pub(crate) connections: NonZero<u32>,
    /// From the connection, or from a later request's first byte, to the end of its headers.
    pub(crate) headers: Duration,
    /// From an answer to the next request's first byte.
    pub(crate) idle: Duration,
    /// Proxies of ours in front of the socket, each of which appends to `X-Forwarded-For`.
    pub(crate) hops: usize,
    /// From the request to stop until connections that are still open are cut.
    pub(crate) drain: Duration,
}

impl Limits {
    /// Cloud Run kills a container 10 seconds after SIGTERM; what follows the connections needs
    /// some of that.
    const DRAIN: Duration = Duration::from_secs(8);
    const CONNECTIONS: NonZero<u32> = NonZero::new(1024).unwrap();

    pub(crate) fn read(env: &mut Env) -> Result<Self, Noted> {
        let connections = env.or("MAX_CONNECTIONS", Self::CONNECTIONS);
        let headers = env.seconds("HEADER_DEADLINE_SECONDS", 10);
        // Google's front ends reuse an idle connection for up to 600 seconds. A server that closes
        // it sooner crosses with a request that is on its way, and the caller gets a 502.
        let idle = env.seconds("IDLE_DEADLINE_SECONDS", 620);
        let hops = env.or("FORWARDED_HOPS", 0);
        Ok(Self {
            connections: connections?,
            headers: headers?,
            idle: idle?,
            hops: hops?,
            drain: Self::DRAIN,
        })
    }
}
