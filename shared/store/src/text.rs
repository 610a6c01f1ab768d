/// The most bytes that are stored of a text from outside. A handler's error may quote a whole payload, and each of its
/// attempts stores one.
const LONGEST: usize = 16 * 1024;

/// Makes a text from outside storable in PostgreSQL, whose text has no NUL character. A record that is refused for one
/// would be lost, or would come back for ever. A text that is too long is cut and ends with its length.
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
