use std::fmt;
use std::time::Duration;

/// What befalls the bytes on an edge.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Weather {
    Calm,
    /// Every piece waits.
    Slow(Duration),
    /// The connection ends instead of carrying on what was asked, with these odds for each piece.
    LoseRequests(f64),
    /// What was asked is done, and the connection ends in place of the answer.
    LoseResponses(f64),
    /// Nothing passes and nobody is told; what was on its way goes on when it is over.
    BlackHole,
    /// Every connection is reset, old ones and new ones.
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
