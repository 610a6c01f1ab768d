use std::fmt;
use std::time::Duration;

/// The fault that the proxy applies to the bytes on an edge.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Weather {
    Calm,
    /// Every piece is delayed.
    Slow(Duration),
    /// The connection ends in place of a piece of the request, with this probability for each piece.
    LoseRequests(f64),
    /// The server does what the request asks, and the connection ends in place of the response.
    LoseResponses(f64),
    /// No byte passes and no side gets an error. The pending bytes pass when the weather is over.
    BlackHole,
    /// Every connection is reset, both the old and the new ones.
    Reset,
}

impl fmt::Display for Weather {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Calm => "calm",
            Self::Slow(_) => "delay",
            Self::LoseRequests(_) => "request lost",
            Self::LoseResponses(_) => "response lost",
            Self::BlackHole => "half-open",
            Self::Reset => "reset",
        })
    }
}
