use std::fmt;

use serde::Serialize;

/// The type of an event, such as `user.signup`: 1 to 100 characters.
#[derive(Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct EventType(String);

impl EventType {
    pub const MAX_CHARS: usize = 100;

    /// Checks the text. The error says what is wrong with it.
    pub fn new(text: String) -> Result<Self, String> {
        match text.chars().count() {
            0 => Err("must not be empty".into()),
            n if n > Self::MAX_CHARS => {
                Err(format!("must have at most {} characters, has {n}", Self::MAX_CHARS))
            }
            _ if text.contains('\0') => Err("must not contain a NUL character".into()),
            _ => Ok(Self(text)),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
