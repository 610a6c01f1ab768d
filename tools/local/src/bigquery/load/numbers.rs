//! The numbers that a `JSON` column refuses, if a test asks for it. `PARSE_JSON` reads a number and writes it again,
//! and refuses it if the two are not the same decimal. It writes by Grisu2, which does not always find the shortest
//! text.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum NumberRule {
    /// Refuses the numbers that `PARSE_JSON` refuses.
    ParseJson,
    /// Refuses every number that is not an integer of 64 bits.
    IntegersOnly,
}

/// Returns the error of the first refused number.
pub(crate) fn refusal(json: &str, rule: NumberRule) -> Option<String> {
    let refused = numbers(json)
        .find(|number| !(is_integer(number) || rule == NumberRule::ParseJson && comes_back(number)))?;
    Some(format!("Invalid input: Input number: {refused} cannot round-trip through string representation"))
}

/// Finds the numbers outside strings.
fn numbers(json: &str) -> impl Iterator<Item = &str> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let rest = &json.as_bytes()[at..];
            match rest.first()? {
                b'"' => at += string(rest),
                b'-' | b'0'..=b'9' => {
                    let start = at;
                    at += rest.iter().take_while(|b| b"0123456789+-.eE".contains(b)).count();
                    return json.get(start..at);
                }
                _ => at += 1,
            }
        }
    })
}

/// Returns the length of the string that begins here.
fn string(json: &[u8]) -> usize {
    let mut at = 1;
    while at < json.len() && json[at] != b'"' {
        at += if json[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(json.len())
}

fn is_integer(number: &str) -> bool {
    number.parse::<i64>().is_ok() || number.parse::<u64>().is_ok()
}

fn comes_back(number: &str) -> bool {
    let Ok(value) = number.parse::<f64>() else { return false };
    value.is_finite() && number.len() <= 1_500 && decimal(&printed(value)) == decimal(number)
}

/// Writes a number as Grisu2 does. `dtoa` has the same algorithm, but if it does not find the shortest text, it
/// sometimes ends the number with another digit than `BigQuery`. For short numbers `BigQuery` writes the next longer
/// text of the same double.
fn printed(value: f64) -> String {
    let (shortest, found) = (format!("{value:e}"), dtoa::Buffer::new().format(value).to_owned());
    if decimal(&found) == decimal(&shortest) || decimal(&shortest).0.len() > 15 {
        return found;
    }
    let longer = format!("{value:.15e}");
    if decimal(&longer) == decimal(&shortest) { format!("{value:.16e}") } else { longer }
}

/// Returns the significant digits, and the power of ten behind them.
fn decimal(number: &str) -> (String, i64) {
    let number = number.trim_start_matches('-').to_ascii_lowercase();
    let (digits, power) = number.split_once('e').unwrap_or((&number, "0"));
    let fraction = digits.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let digits = digits.replace('.', "");
    let end = digits.trim_end_matches('0').len();
    let digits_behind = i64::try_from(digits.len() - end).unwrap_or(0) - i64::try_from(fraction).unwrap_or(0);
    match digits[..end].trim_start_matches('0') {
        "" => (String::new(), 0),
        significant => (significant.to_owned(), power.parse::<i64>().unwrap_or(0) + digits_behind),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each of these numbers is in a public report of a `PARSE_JSON` that refused it.
    #[test]
    fn what_parse_json_has_refused_is_refused() {
        for number in [
            "67.174118",
            "1685019801.1016695",
            "1687473876.057356",
            "1686725407.683936",
            "51.4166919",
            "50.0007544437",
            "1.3085912824",
            "13.7391432",
            "0.2002386475503002",
            "-0.707176497086",
            "0.0928069675519494",
            "123456789012345678901234567890",
            "1e400",
        ] {
            let said = refusal(&format!("{{\"a\":[1,{number}]}}"), NumberRule::ParseJson).unwrap();
            assert!(said.contains(&format!("Input number: {number} cannot")), "{said}");
        }
    }

    /// Each of these texts is in a public report as the result of `wide_number_mode => 'round'`.
    #[test]
    fn what_comes_back_is_taken() {
        for number in [
            "67.17411800000001",
            "50.000754443700004",
            "1.3085912824000001",
            "0.1",
            "12.50",
            "-0",
            "1e2",
            "0.0",
        ] {
            assert_eq!(refusal(number, NumberRule::ParseJson), None, "{number}");
        }
        assert_eq!(
            refusal(r#"{"67.174118":"67.174118\"","b":18446744073709551615}"#, NumberRule::IntegersOnly),
            None
        );
        assert!(refusal("[0.5]", NumberRule::IntegersOnly).is_some());
    }
}
