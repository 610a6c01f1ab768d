//! Writes the value of a `JSON` column from the text that PostgreSQL has.

mod decimal;
mod numbers;
mod pairs;

use std::borrow::Cow;

use store::Numbers;

/// The white space of JSON, which stands only between tokens.
const WHITE: [char; 4] = [' ', '\t', '\n', '\r'];

/// Writes the text on one line, and returns whether a number is not written as it came. The text stays the same byte
/// for byte, except that line breaks between tokens become spaces, escaped surrogate pairs are decoded, and numbers
/// take the given form.
pub(crate) fn write(line: &mut Vec<u8>, text: Option<&str>, form: Numbers) -> bool {
    let start = line.len();
    let text = text.map_or("null", |text| text.trim_matches(WHITE));
    let written = numbers::written(text, form);
    if written.contains("\\u") {
        pairs::decode(line, &written);
    } else {
        line.extend_from_slice(written.as_bytes());
    }
    for byte in &mut line[start..] {
        *byte = if matches!(*byte, b'\n' | b'\r') { b' ' } else { *byte };
    }
    matches!(written, Cow::Owned(_))
}

/// Returns the next form in which this text is different.
pub(crate) fn next_form(text: &str, form: Numbers) -> Option<Numbers> {
    let now = numbers::written(text, form);
    std::iter::successors(form.next(), |form| form.next()).find(|next| numbers::written(text, *next) != now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_one_line_and_tells_whether_its_numbers_are_as_they_came() {
        for (text, form, line, is_changed) in [
            (Some("{\n\"a\":67.174118}\r\n"), Numbers::Exact, "{ \"a\":67.174118}", false),
            (Some("{\n\"a\":67.174118}"), Numbers::Rounded, "{ \"a\":67.17411800000001}", true),
            (Some(r#"{"a":0.5}"#), Numbers::Rounded, r#"{"a":0.5}"#, false),
            (Some(r#"{"\ud83d\ude00":0.5}"#), Numbers::Text, r#"{"😀":"0.5"}"#, true),
            (Some(r#"{"\ud83d\ude00":5}"#), Numbers::Text, r#"{"😀":5}"#, false),
            (None, Numbers::Text, "null", false),
        ] {
            let mut written = Vec::new();
            assert_eq!(write(&mut written, text, form), is_changed, "{text:?} {form:?}");
            assert_eq!(String::from_utf8(written).unwrap(), line);
        }
    }

    #[test]
    fn the_next_form_makes_a_difference() {
        assert_eq!(next_form(r#"{"a":67.174118}"#, Numbers::Exact), Some(Numbers::Rounded));
        assert_eq!(next_form(r#"{"a":0.5}"#, Numbers::Exact), Some(Numbers::Text));
        assert_eq!(next_form(r#"{"a":1e400}"#, Numbers::Rounded), None, "it is text by then");
        assert_eq!(next_form(r#"{"a":7,"b":"0.5"}"#, Numbers::Exact), None);
        assert_eq!(next_form(r#"{"a":0.5}"#, Numbers::Text), None);
    }
}
