//! Python and other clients escape characters beyond 16 bits, such as an emoji, as two halves: `\ud83d\ude00`.
//! BigQuery's load jobs turn the halves into two replacement characters, but keep the same character if it comes as
//! UTF-8.

/// Writes JSON with its escaped surrogate pairs as UTF-8, and everything else unchanged. Half of a pair, which ingest
/// refuses, is not a character, and stays escaped.
pub(super) fn decode(line: &mut Vec<u8>, json: &str) {
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        line.extend_from_slice(&rest.as_bytes()[..at]);
        rest = &rest[at..];
        if let Some(character) = pair(rest) {
            line.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            rest = &rest[12..];
        } else {
            // A backslash is copied together with the character that it escapes, which may be another backslash.
            let escape = rest.char_indices().nth(2).map_or(rest.len(), |(end, _)| end);
            line.extend_from_slice(&rest.as_bytes()[..escape]);
            rest = &rest[escape..];
        }
    }
    line.extend_from_slice(rest.as_bytes());
}

fn pair(json: &str) -> Option<char> {
    let (high, low) = (unit(json, 0)?, unit(json, 6)?);
    char::decode_utf16([high, low]).next()?.ok().filter(|character| character.len_utf16() == 2)
}

/// The 16 bits that an escape stands for.
fn unit(json: &str, at: usize) -> Option<u16> {
    let hex = json.as_bytes().get(at..at + 6)?.strip_prefix(b"\\u")?;
    hex.iter().try_fold(0, |unit, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        Some((unit << 4) | u16::try_from(digit).ok()?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(json: &str) -> String {
        let mut line = Vec::new();
        decode(&mut line, json);
        String::from_utf8(line).unwrap()
    }

    #[test]
    fn pairs_become_utf_8() {
        assert_eq!(decoded(r#"{"a":"\ud83d\ude00"}"#), r#"{"a":"😀"}"#);
        assert_eq!(decoded(r#"{"\uD83C\uDFE6":"x\uD83C\uDFE6\ud83d\udE00y"}"#), r#"{"🏦":"x🏦😀y"}"#);
        assert_eq!(decoded(r#"["\udbff\udfff\ud800\udc00"]"#), "[\"\u{10ffff}\u{10000}\"]");
    }

    #[test]
    fn everything_else_stays_byte_for_byte() {
        for json in [
            r#"{"a":"\u00e9 \u2028 \u0000 \n \" \\ \/ é 😀"}"#,
            r#"["\\ud83d\\ude00","\\\\ud83d","\\"]"#,
            r#"["\ud83d","\ude00","\ud83dx\ude00","\ude00\ud83d","\ud83d\n"]"#,
            r#"{"n":1.50e+2, "a" : [ ] }"#,
            "\"\\u12",
            "\\",
        ] {
            assert_eq!(decoded(json), json);
        }
    }

    #[test]
    fn a_half_before_a_pair_is_no_part_of_it() {
        assert_eq!(decoded(r#"["\ud83d\ud83d\ude00\ude00"]"#), r#"["\ud83d😀\ude00"]"#);
        assert_eq!(decoded(r#"["\\\ud83d\ude00"]"#), r#"["\\😀"]"#);
    }
}
