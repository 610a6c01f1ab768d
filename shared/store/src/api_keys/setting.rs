/// A change of a setting that may be absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Change<T> {
    #[default]
    Keep,
    Remove,
    To(T),
}

impl<T> Change<T> {
    pub fn is_made(&self) -> bool {
        !matches!(self, Self::Keep)
    }

    /// Converts the new setting, or says why it is not possible.
    pub fn try_map<U, E>(self, check: impl FnOnce(T) -> Result<U, E>) -> Result<Change<U>, E> {
        Ok(match self {
            Self::Keep => Change::Keep,
            Self::Remove => Change::Remove,
            Self::To(setting) => Change::To(check(setting)?),
        })
    }

    pub(super) fn setting(self) -> Option<T> {
        match self {
            Self::To(setting) => Some(setting),
            Self::Keep | Self::Remove => None,
        }
    }
}
