/// The form of the numbers of a range, from the most faithful one to the one that is accepted most surely.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum Numbers {
    /// As they were received.
    #[default]
    Exact,
    /// As a double with 15 digits. An integer beyond 64 bits and a number beyond the range of a double are written as
    /// text.
    Rounded,
    /// Every number that is not an integer of 64 bits is written as text.
    Text,
}

impl Numbers {
    pub fn next(self) -> Option<Self> {
        match self {
            Self::Exact => Some(Self::Rounded),
            Self::Rounded => Some(Self::Text),
            Self::Text => None,
        }
    }

    /// The name in the ledger.
    pub fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Rounded => "rounded",
            Self::Text => "text",
        }
    }
}
