/// The text of an entry in a list: all of it if it is short, otherwise its beginning. The database sends no more than
/// this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    text: String,
    /// The length of the whole text.
    bytes: usize,
}

impl Excerpt {
    /// The most bytes of a text that is sent whole. A longer text is cut to its beginning.
    pub const LONGEST: usize = 16 * 1024;
    /// The most bytes of the beginning of a longer text.
    const BEGINNING: usize = 4 * 1024;

    /// Makes an excerpt of a text that a statement has cut: to `LONGEST` bytes, or to as many characters as the
    /// beginning may have bytes.
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

    /// The whole text, or its beginning.
    pub fn into_text(self) -> String {
        self.text
    }

    /// The whole text, or its beginning.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The length of the whole text.
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
