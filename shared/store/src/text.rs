/// So many bytes are kept of what others said. A handler's error may quote a whole payload, and each of its attempts keeps one.
const LONGEST: usize = 16 * 1024;

/// What others said, as PostgreSQL's text can hold it: it has no NUL character, and a record that is refused for one would
/// be lost, or come back for ever. What is too long ends with its length.
pub(crate) fn storable(text: String) -> String {
    let text = if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text };
    if text.len() <= LONGEST {
        return text;
    }
    let end = text.floor_char_boundary(LONGEST);
    format!("{}… ({} bytes in all)", &text[..end], text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_is_cut_between_two_characters_and_says_so() {
        let long = "é".repeat(LONGEST);
        let kept = storable(format!("x{long}"));
        assert_eq!(kept, format!("x{}… (32769 bytes in all)", "é".repeat(LONGEST / 2 - 1)));
        assert_eq!(storable("a\0b".into()), "a\u{fffd}b");
    }
}
