use percent_encoding::percent_decode_str;

/// Decodes the value of an attribute from its header, as the HTTP binding defines it: first the quotes of older
/// senders, then one round of percent-decoding.
pub(super) fn decoded(value: &[u8]) -> Result<String, &'static str> {
    let text = str::from_utf8(value).map_err(|_| "must be UTF-8")?;
    let text = unquoted(text.trim()).ok_or("has quotes that do not match")?;
    let decoded = percent_decode_str(&text).decode_utf8();
    decoded.map(Into::into).map_err(|_| "is not UTF-8 once it is percent-decoded")
}

fn unquoted(text: &str) -> Option<String> {
    let Some(inner) = text.strip_prefix('"') else {
        return Some(text.to_owned());
    };
    let mut unescaped = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    loop {
        match characters.next()? {
            '"' => return characters.as_str().is_empty().then_some(unescaped),
            '\\' => unescaped.push(characters.next()?),
            other => unescaped.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_unquoted_and_then_decoded_once() {
        for (value, wanted) in [
            ("plain", "plain"),
            ("Euro%20%E2%82%AC%20%F0%9F%98%80", "Euro € 😀"),
            ("%e2%82%ac", "€"),
            ("%41%2520", "A%20"),
            (r#""a \"b\" \\ c""#, r#"a "b" \ c"#),
            (r#""a%20b""#, "a b"),
            (r#"a"b"#, r#"a"b"#),
            ("100%", "100%"),
            ("é", "é"),
            ("", ""),
            (r#""""#, ""),
        ] {
            assert_eq!(decoded(value.as_bytes()).as_deref(), Ok(wanted), "{value}");
        }
    }

    #[test]
    fn what_cannot_be_decoded_is_refused() {
        for value in [&b"%C0%A0"[..], b"%ff", b"\xff", b"\"a", b"\"a\"b\"", b"\"a\\\"", b"\""] {
            assert!(decoded(value).is_err(), "{}", String::from_utf8_lossy(value));
        }
    }
}
