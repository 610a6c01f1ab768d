use std::num::NonZero;
use std::time::Duration;

use crate::env::{Env, Noted};

/// The connections that clients may have, and the time that they may take.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    /// The most connections. Beyond that, the connections that have waited longest for their client are cut.
    pub(crate) connections: NonZero<u32>,
    /// The time from the connection, or from the first byte of a later request, to the end of the headers.
    pub(crate) headers: Duration,
    /// The time from an answer to the first byte of the next request.
    pub(crate) idle: Duration,
    /// The number of our own proxies in front of the socket. Each of them appends to `X-Forwarded-For`.
    pub(crate) hops: usize,
    /// The time from the request to stop until open connections are cut.
    pub(crate) drain: Duration,
}

impl Limits {
    /// Cloud Run kills a container 10 seconds after SIGTERM, and the work after the end of the connections needs some
    /// of that time.
    const DRAIN: Duration = Duration::from_secs(8);
    const CONNECTIONS: NonZero<u32> = NonZero::new(1024).unwrap();

    pub(crate) fn read(env: &mut Env) -> Result<Self, Noted> {
        let connections = env.or("MAX_CONNECTIONS", Self::CONNECTIONS);
        let headers = env.seconds("HEADER_DEADLINE_SECONDS", 10);
        // Google's front ends reuse an idle connection for up to 600 seconds. If a server closes it sooner, a request
        // may be on its way already, and its caller gets a 502.
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
