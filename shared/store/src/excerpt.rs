/// Text as a list carries it: whole where it is short, else how it begins. The database sends no more than this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    text: String,
    /// Of all of it.
    bytes: usize,
}

impl Excerpt {
    /// What is longer comes as its beginning.
    pub const LONGEST: usize = 16 * 1024;
    /// So much of what is longer, in bytes.
    const BEGINNING: usize = 4 * 1024;

    /// Of what a statement has cut: `LONGEST` bytes, or as many characters as the beginning may have bytes.
    pub(crate) fn of(mut text: String, bytes: i32) -> Self {
        let bytes = usize::try_from(bytes).unwrap_or(text.len());
        if text.len() < bytes {
            text.truncate(text.floor_char_boundary(Self::BEGINNING));
        }
        Self { text, bytes }
    }

    pub fn is_whole(&self) -> bool {
        self.text.len() == self.bytes
    }

    /// All of it, or how it begins.
    pub fn into_text(self) -> String {
        self.text
    }

    /// What is here of it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How long all of it is.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_ends_between_two_characters() {
        let cut = Excerpt::of("é".repeat(4096), 100_000);
        assert_eq!((cut.text().len(), cut.bytes(), cut.is_whole()), (4096, 100_000, false));
        let cut = Excerpt::of(format!("x{}", "é".repeat(4095)), 100_000);
        assert_eq!(cut.text().len(), 4095);
        let whole = Excerpt::of("é".into(), 2);
        assert!(whole.is_whole());
        assert_eq!(whole.into_text(), "é");
    }
}
