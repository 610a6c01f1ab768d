use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use http::StatusCode;

/// A group of requests that are counted together, and may hold a share of the budget.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Holder {
    /// The address of a client, or its whole network for IPv6.
    Address(IpAddr),
    /// The holder of an API key, by the key's ID.
    Key(Arc<str>),
    /// A Google identity, by its e-mail address.
    Identity(Arc<str>),
    /// All bodies that are far larger than a service is made for.
    LargeBodies,
}

impl Holder {
    /// A sender that has used up its share is asked to slow down, but large bodies have no single sender.
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::LargeBodies => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::TOO_MANY_REQUESTS,
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Address(_) => "this address",
            Self::Key(_) => "this API key",
            Self::Identity(_) => "this identity",
            Self::LargeBodies => "large bodies",
        })
    }
}
