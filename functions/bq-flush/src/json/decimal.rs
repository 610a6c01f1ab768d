use std::fmt;

/// The value of a number without its sign: digits that neither begin nor end with 0, and the power of ten after them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    digits: String,
    exponent: i64,
}

impl Decimal {
    /// Parses a number in the notation of JSON or Rust.
    pub(super) fn of(text: &str) -> Self {
        let text = text.trim_start_matches('-');
        let (digits, power) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let digits = format!("{whole}{fraction}");
        let significant = digits.trim_start_matches('0').trim_end_matches('0');
        if significant.is_empty() {
            return Self { digits: String::new(), exponent: 0 };
        }
        let zeros = digits.len() - digits.trim_end_matches('0').len();
        // An exponent beyond 64 bits is also beyond every double.
        let power: i64 = power.parse().unwrap_or(if power.starts_with('-') { i64::MIN } else { i64::MAX });
        let places =
            i64::try_from(zeros).unwrap_or(i64::MAX) - i64::try_from(fraction.len()).unwrap_or(i64::MAX);
        Self { digits: significant.to_owned(), exponent: power.saturating_add(places) }
    }

    pub(super) fn is_zero(&self) -> bool {
        self.digits.is_empty()
    }
}

/// The number is never written as an integer, because it came as a decimal and must keep its type.
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.digits.as_str();
        let length = i64::try_from(digits.len()).unwrap_or(i64::MAX);
        let point = self.exponent.saturating_add(length);
        match point {
            ..=-5 | 18.. => {
                let (first, rest) = digits.split_at(1.min(digits.len()));
                let dot = if rest.is_empty() { "" } else { "." };
                write!(f, "{first}{dot}{rest}e{}", point - 1)
            }
            -4..=0 => write!(f, "0.{}{digits}", "0".repeat(usize::try_from(-point).unwrap_or_default())),
            _ if point >= length => {
                write!(f, "{digits}{}.0", "0".repeat(usize::try_from(point - length).unwrap_or_default()))
            }
            _ => {
                let (whole, fraction) = digits.split_at(usize::try_from(point).unwrap_or_default());
                write!(f, "{whole}.{fraction}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_one_value_are_the_same() {
        for (one, other) in [
            ("1", "1.0"),
            ("-1.50", "1.5"),
            ("100", "1e2"),
            ("0.00123", "123E-5"),
            ("0", "-0.000e9"),
            ("1e+3", "1000"),
        ] {
            assert_eq!(Decimal::of(one), Decimal::of(other), "{one} {other}");
        }
        assert_ne!(Decimal::of("1.1"), Decimal::of("1.10000000000000001"));
        assert_ne!(Decimal::of("1e99999999999999999999"), Decimal::of("1e99"));
    }

    #[test]
    fn they_are_written_as_decimals() {
        for (from, to) in [
            ("1.50", "1.5"),
            ("12", "12.0"),
            ("1e16", "10000000000000000.0"),
            ("1e17", "1e17"),
            ("123e30", "1.23e32"),
            ("0.00012", "0.00012"),
            ("12e-7", "1.2e-6"),
            ("12e-6", "0.000012"),
            ("12e-9", "1.2e-8"),
        ] {
            assert_eq!(Decimal::of(from).to_string(), to);
        }
    }
}
