/// How the numbers of a range are written, from the most faithful form to the one that is taken most surely.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum Numbers {
    /// As they came.
    #[default]
    Exact,
    /// As a double holds them in 15 digits; an integer beyond 64 bits and what is beyond a double as text.
    Rounded,
    /// Every number that is no integer of 64 bits as text.
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

    /// As the ledger has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Rounded => "rounded",
            Self::Text => "text",
        }
    }
}
