//! `PARSE_JSON` refuses a number that does not come back as it was. This concerns numbers that a double cannot hold,
//! and also one in a thousand of those that it can hold, because the algorithm that writes doubles there (Grisu2) does
//! not always find the shortest text: 67.174118 comes back as 67.17411800000001. It is not documented whether a load
//! job does the same.

use std::borrow::Cow;

use store::Numbers;

use super::decimal::Decimal;

/// A longer number is written in a shorter form. `PARSE_JSON` reads no number of more than 1,500 characters.
const LONG: usize = 400;

/// Returns the text with its numbers in this form, borrowed if nothing changes.
pub(super) fn written(json: &str, form: Numbers) -> Cow<'_, str> {
    if form == Numbers::Exact {
        return json.into();
    }
    let bytes = json.as_bytes();
    let (mut text, mut copied, mut at) = (String::new(), 0, 0);
    while let Some(byte) = bytes.get(at) {
        let start = at;
        match byte {
            b'"' => at = end_of_string(bytes, at),
            b'-' | b'0'..=b'9' => {
                at += bytes[at..].iter().take_while(|byte| is_of_number(**byte)).count();
                if let Some(other) = rewritten(&json[start..at], form) {
                    text.push_str(&json[copied..start]);
                    text.push_str(&other);
                    copied = at;
                }
            }
            _ => at += 1,
        }
    }
    if copied == 0 {
        return json.into();
    }
    text.push_str(&json[copied..]);
    text.into()
}

fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn is_of_number(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')
}

/// None if the number stays as it is.
fn rewritten(number: &str, form: Numbers) -> Option<String> {
    if !number.contains(['.', 'e', 'E']) {
        let fits = number.parse::<i64>().is_ok() || number.parse::<u64>().is_ok();
        return (!fits).then(|| text(number));
    }
    match form {
        Numbers::Exact => None,
        Numbers::Rounded => rounded(number),
        Numbers::Text => Some(text(number)),
    }
}

fn text(number: &str) -> String {
    format!("\"{number}\"")
}

fn rounded(number: &str) -> Option<String> {
    let (value, came) = (number.parse::<f64>().ok()?, Decimal::of(number));
    let is_zero = value == 0.0;
    if is_zero && came.is_zero() {
        return (number.len() > LONG).then(|| "0.0".to_owned());
    }
    let Some(goes) = in_15_digits(value).filter(|_| !is_zero) else { return Some(text(number)) };
    let sign = if value.is_sign_negative() { "-" } else { "" };
    (goes != came || number.len() > LONG).then(|| format!("{sign}{goes}"))
}

/// None if the value is beyond a double. If Grisu2 would not write the 15 digits again, the result is the longer text
/// that it writes for the same double.
fn in_15_digits(value: f64) -> Option<Decimal> {
    if value.is_subnormal() {
        return Some(Decimal::of(&format!("{value:e}")));
    }
    let short = format!("{value:.14e}");
    let value: f64 = short.parse().ok().filter(|value: &f64| value.is_finite())?;
    let short = Decimal::of(&short);
    if Decimal::of(dtoa::Buffer::new().format_finite(value)) == short {
        return Some(short);
    }
    let longer = Decimal::of(&format!("{value:.15e}"));
    Some(if longer == short { Decimal::of(&format!("{value:.16e}")) } else { longer })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_to_15_digits() {
        for (came, goes) in [
            ("1685019801.1016695", "1685019801.10167"),
            ("-1685019801.1016695", "-1685019801.10167"),
            ("0.1234567890123456789", "0.123456789012346"),
            ("123456789012345678.5", "1.23456789012346e17"),
            ("12345678901234.567", "12345678901234.6"),
            ("999999999999999.9", "1000000000000000.0"),
            ("1.7976931348623157e300", "1.79769313486232e300"),
            // Numbers beyond 64 bits, and numbers beyond a double.
            ("123456789012345678901234567890", "\"123456789012345678901234567890\""),
            ("-9223372036854775809", "\"-9223372036854775809\""),
            ("1e400", "\"1e400\""),
            ("-1E-400", "\"-1E-400\""),
            ("1.7976931348623157e308", "\"1.7976931348623157e308\""),
            // Numbers of at most 15 digits, and the text that Grisu2 writes for the same double.
            ("67.174118", "67.17411800000001"),
            ("51.4166919", "51.416691899999996"),
            ("50.0007544437", "50.000754443700004"),
            ("1.3085912824", "1.3085912824000001"),
            ("13.7391432", "13.739143199999999"),
            ("-0.707176497086", "-0.7071764970860001"),
        ] {
            assert_eq!(written(came, Numbers::Rounded), goes, "{came}");
            assert_eq!(written(goes, Numbers::Rounded), goes, "once more");
        }
    }

    #[test]
    fn what_a_double_holds_stays_as_it_came() {
        for number in [
            "0",
            "-0",
            "0.0",
            "-0.00",
            "0e9",
            "12.5",
            "12.50",
            "1e2",
            "1E+2",
            "0.1",
            "18446744073709551615",
            "-9223372036854775808",
            "1e20",
            "5e-324",
            "1.0",
            "123456789012345.0",
        ] {
            assert_eq!(written(number, Numbers::Rounded), number);
        }
    }

    #[test]
    fn a_number_of_thousands_of_digits_is_written_shorter() {
        let zeros = "0".repeat(2_000);
        assert_eq!(written(&format!("1.5{zeros}"), Numbers::Rounded), "1.5");
        assert_eq!(written(&format!("0.{zeros}"), Numbers::Rounded), "0.0");
        assert_eq!(written(&format!("0.{zeros}1"), Numbers::Rounded), format!("\"0.{zeros}1\""));
    }

    #[test]
    fn as_text_no_decimal_is_a_number() {
        let json = r#"{"a":[67.174118,-1E-2 , 7],"b":{"c":123456789012345678901},"d":"1.5"}"#;
        let text = r#"{"a":["67.174118","-1E-2" , 7],"b":{"c":"123456789012345678901"},"d":"1.5"}"#;
        assert_eq!(written(json, Numbers::Text), text);
    }

    #[test]
    fn what_is_no_number_stays_byte_for_byte() {
        for json in [
            r#"{"67.174118":"67.174118","a\"1e400":"\\","b":[true,null,""],"é":"1e400"}"#,
            " { \"a\" :\r\n[ 1 ,\t2.5 ] } ",
            "\"1e400",
            "\"1e400\\",
        ] {
            assert_eq!(written(json, Numbers::Rounded), json);
        }
    }

    /// Writes a double, reads it, and writes it again.
    #[test]
    fn what_is_rounded_comes_back_as_it_was() {
        let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
        for _ in 0..20_000 {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            let value = f64::from_bits(seed);
            if !value.is_finite() {
                continue;
            }
            let came = format!("{value:e}");
            let goes = written(&came, Numbers::Rounded);
            let Ok(rounded) = goes.parse::<f64>() else { continue };
            assert!((rounded - value).abs() <= value.abs() * 5e-15 + f64::MIN_POSITIVE, "{came} {goes}");
            assert_eq!(written(&goes, Numbers::Rounded), goes, "{came}");
        }
    }
}
