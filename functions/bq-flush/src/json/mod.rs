//! A value of a `JSON` column, from the text that PostgreSQL has.

mod decimal;
mod numbers;
mod pairs;

use std::borrow::Cow;

use store::Numbers;

/// JSON has white space between its tokens alone, never inside a string.
const WHITE: [char; 4] = [' ', '\t', '\n', '\r'];

/// Writes the text on one line. It stays byte for byte what it is, but for line breaks between tokens, which become spaces,
/// escaped surrogate pairs, and what the form makes of its numbers. Says whether a number is not written as it came.
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

/// The next form in which this text is not the same.
pub(crate) fn next_form(text: &str, form: Numbers) -> Option<Numbers> {
    let now = numbers::written(text, form);
    std::iter::successors(form.next(), |form| form.next()).find(|next| numbers::written(text, *next) != now)
}
