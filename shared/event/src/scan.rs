/// Content that JSON allows and that PostgreSQL or BigQuery cannot store.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    TooDeep,
    Nul,
    LoneSurrogate,
}

/// Scans JSON that is known to be well-formed. It uses no recursion, since a body may be nested as deep as it is long.
/// Returns the first flaw and its byte.
pub(crate) fn first_flaw(json: &str, max_depth: usize) -> Option<(usize, Flaw)> {
    let bytes = json.as_bytes();
    let mut depth = 0_usize;
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'{' | b'[' => {
                depth += 1;
                if depth > max_depth {
                    return Some((at, Flaw::TooDeep));
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => match string(bytes, at + 1) {
                Ok(end) => at = end,
                Err(flaw) => return Some(flaw),
            },
            _ => {}
        }
        at += 1;
    }
    None
}

/// The place of the closing quote of the string that begins at `at`.
fn string(bytes: &[u8], mut at: usize) -> Result<usize, (usize, Flaw)> {
    while at < bytes.len() && bytes[at] != b'"' {
        if bytes[at] != b'\\' {
            at += 1;
            continue;
        }
        at = match unicode_escape(bytes, at) {
            None => at + 2,
            Some(0) => return Err((at, Flaw::Nul)),
            Some(0xD800..=0xDBFF) => match unicode_escape(bytes, at + 6) {
                Some(0xDC00..=0xDFFF) => at + 12,
                _ => return Err((at, Flaw::LoneSurrogate)),
            },
            Some(0xDC00..=0xDFFF) => return Err((at, Flaw::LoneSurrogate)),
            Some(_) => at + 6,
        };
    }
    Ok(at)
}

fn unicode_escape(bytes: &[u8], at: usize) -> Option<u32> {
    let hex = bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
    u32::from_str_radix(str::from_utf8(hex).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_cannot_be_kept_and_where() {
        assert_eq!(first_flaw(r#"{"a":"x\u0000"}"#, 9), Some((7, Flaw::Nul)));
        assert_eq!(first_flaw(r#"{"\u0000":1}"#, 9), Some((2, Flaw::Nul)));
        assert_eq!(first_flaw(r#"["\ud83d"]"#, 9), Some((2, Flaw::LoneSurrogate)));
        assert_eq!(first_flaw(r#"["\ud83dx\ude00"]"#, 9), Some((2, Flaw::LoneSurrogate)));
        assert_eq!(first_flaw(r#"["\ude00"]"#, 9), Some((2, Flaw::LoneSurrogate)));
        assert_eq!(first_flaw("[[[1]]]", 2), Some((2, Flaw::TooDeep)));
    }

    #[test]
    fn leaves_everything_else_alone() {
        for json in
            [r#"{"a":"\ud83d\ude00","b":"\\u0000","c":"\"[[[","d":[[1],[2]]}"#, r#"{"e":"😀 é \u00e9 \n"}"#]
        {
            assert_eq!(first_flaw(json, 3), None, "{json}");
        }
    }
}
