//! A load job turns each half of an escaped surrogate pair into a replacement character
//! (<https://github.com/googleapis/python-bigquery/issues/864>).

use std::borrow::Cow;

pub(crate) fn replaced(json: &str) -> Cow<'_, str> {
    if !json.contains("\\u") {
        return json.into();
    }
    let (mut text, mut rest) = (String::with_capacity(json.len()), json);
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        let unit = rest.strip_prefix("\\u").and_then(|rest| u32::from_str_radix(rest.get(..4)?, 16).ok());
        let length = if unit.is_some() { 6 } else { rest.chars().take(2).map(char::len_utf8).sum() };
        match unit {
            Some(0xD800..=0xDFFF) => text.push('\u{fffd}'),
            _ => text.push_str(&rest[..length]),
        }
        rest = &rest[length..];
    }
    text.push_str(rest);
    text.into()
}

#[cfg(test)]
mod tests {
    use super::replaced;

    #[test]
    fn each_half_is_lost() {
        assert_eq!(
            replaced(r#"["\ud83d\uDE00","😀","\u00e9","\\ud83d"]"#),
            r#"["��","😀","\u00e9","\\ud83d"]"#
        );
    }
}
