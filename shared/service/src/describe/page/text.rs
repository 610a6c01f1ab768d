use std::fmt::{self, Display, Formatter, Write};

use serde_json::Value;

/// Text that is escaped for HTML.
pub(super) struct Text<'a>(pub(super) &'a str);

impl Display for Text<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|character| match character {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            other => f.write_char(other),
        })
    }
}

pub(super) fn string(value: &Value) -> &str {
    value.as_str().unwrap_or("")
}

/// Writes paragraphs, in which text between backticks is code.
pub(super) fn prose(value: &Value) -> String {
    string(value)
        .split("\n\n")
        .filter(|text| !text.is_empty())
        .flat_map(|text| ["<p>".to_owned(), line(text), "</p>".to_owned()])
        .collect()
}

pub(super) fn line(text: &str) -> String {
    let pieces = text.split('`').enumerate();
    let written = pieces.map(|(at, piece)| match at % 2 {
        0 => Text(piece).to_string(),
        _ => format!("<code>{}</code>", Text(piece)),
    });
    written.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_that_is_shown_becomes_html() {
        let shown = prose(&json!("a <b>'\"&\n\nuse `x < y`"));
        assert_eq!(shown, "<p>a &lt;b&gt;&#39;&quot;&amp;</p><p>use <code>x &lt; y</code></p>");
    }
}
