//! TIMESTAMP values: microseconds since 1970 in a row file, text in a load, seconds in an answer.

use chrono::{NaiveDate, TimeDelta};

/// `YYYY-MM-DD[ |T]HH:MM[:SS[.ffffff]][zone]`. A date without a time means midnight, and a time without a zone is
/// UTC.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let mut scanner = Scanner(text);
    let date = scanner.date()?;
    let mut micros = date.and_hms_opt(0, 0, 0)?.and_utc().timestamp_micros();
    if scanner.eat(&[' ', 'T', 't']).is_some() {
        micros += scanner.time_of_day()?;
        micros -= scanner.zone_offset()?;
    }
    (scanner.0.is_empty() && in_range(micros)).then_some(micros)
}

/// Parses seconds since 1970, written as a number or as text.
pub(crate) fn parse_seconds(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = fraction.bytes().all(|b| b.is_ascii_digit());
    if !digits || !(1..=6).contains(&fraction.len()) {
        return None;
    }
    let size = format!("{fraction:0<6}").parse::<i64>().ok()?;
    let part = if whole.starts_with('-') { -size } else { size };
    let micros = whole.parse::<i64>().ok()?.checked_mul(1_000_000)? + part;
    in_range(micros).then_some(micros)
}

/// Writes seconds as `BigQuery` does unless a client asks for whole microseconds.
pub(crate) fn to_float_seconds(micros: i64) -> String {
    #[allow(clippy::cast_precision_loss, reason = "the loss is what BigQuery's own format has")]
    let seconds = micros as f64 / 1e6;
    format!("{seconds:E}")
}

fn in_range(micros: i64) -> bool {
    const FIRST: i64 = -62_135_596_800_000_000; // 0001-01-01
    const LAST: i64 = 253_402_300_799_999_999; // 9999-12-31
    (FIRST..=LAST).contains(&micros)
}

struct Scanner<'a>(&'a str);

impl Scanner<'_> {
    fn eat(&mut self, any_of: &[char]) -> Option<char> {
        let found = self.0.chars().next().filter(|c| any_of.contains(c))?;
        self.0 = &self.0[found.len_utf8()..];
        Some(found)
    }

    fn digits(&mut self, at_least: usize, at_most: usize) -> Option<&str> {
        let count = self.0.bytes().take_while(u8::is_ascii_digit).count();
        if !(at_least..=at_most).contains(&count) {
            return None;
        }
        let (digits, rest) = self.0.split_at(count);
        self.0 = rest;
        Some(digits)
    }

    fn number(&mut self, at_least: usize, at_most: usize) -> Option<u32> {
        self.digits(at_least, at_most)?.parse().ok()
    }

    fn date(&mut self) -> Option<NaiveDate> {
        let year = self.number(4, 4)?.try_into().ok()?;
        let separator = self.eat(&['-', '/'])?;
        let month = self.number(1, 2)?;
        self.eat(&[separator])?;
        let day = self.number(1, 2)?;
        NaiveDate::from_ymd_opt(year, month, day)
    }

    fn time_of_day(&mut self) -> Option<i64> {
        let hour = self.number(1, 2)?;
        self.eat(&[':'])?;
        let minute = self.number(1, 2)?;
        let (mut second, mut micros) = (0, 0);
        if self.eat(&[':']).is_some() {
            second = self.number(1, 2)?;
            if self.eat(&['.']).is_some() {
                micros = format!("{:0<6}", self.digits(1, 6)?).parse().ok()?;
            }
        }
        let time = chrono::NaiveTime::from_hms_micro_opt(hour, minute, second, micros)?;
        (time - chrono::NaiveTime::MIN).num_microseconds()
    }

    fn zone_offset(&mut self) -> Option<i64> {
        self.eat(&[' ']);
        if let Some(rest) = self.0.strip_prefix("UTC") {
            self.0 = rest;
            return Some(0);
        }
        if self.0.is_empty() || self.eat(&['Z', 'z']).is_some() {
            return Some(0);
        }
        let sign = if self.eat(&['+', '-'])? == '-' { -1 } else { 1 };
        let hours = self.number(1, 2).filter(|hours| *hours <= 14)?;
        let minutes = match self.eat(&[':']) {
            Some(_) => self.number(2, 2).filter(|minutes| *minutes < 60)?,
            None => 0,
        };
        let offset = TimeDelta::minutes(i64::from(hours * 60 + minutes));
        Some(sign * offset.num_microseconds()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_bigquery_takes() {
        for (text, micros) in [
            ("1970-01-01", 0),
            ("1970-01-01 00:00:01", 1_000_000),
            ("1970-01-01T00:00:00.5Z", 500_000),
            ("1970-01-01T00:00:00.123456Z", 123_456),
            ("1970/1/1 0:01 UTC", 60_000_000),
            ("1970-01-01 02:00:00+02:00", 0),
            ("1970-01-01 00:00:00-1", 3_600_000_000),
            ("1969-12-31T23:59:59.999Z", -1_000),
            ("2024-02-29T00:00:00Z", 1_709_164_800_000_000),
        ] {
            assert_eq!(parse(text), Some(micros), "{text}");
        }
    }

    #[test]
    fn refuses_the_rest() {
        for text in [
            "",
            "now",
            "2023-02-29",
            "24-01-01",
            "2024-01-01T",
            "2024-01-01T25:00:00Z",
            "2024-01-01T00:00:00.1234567Z",
            "2024-01-01T00:00:00Zulu",
            "2024-01-01 00:00:00+15:00",
            "2024-01-01é",
            "0000-01-01",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn seconds_go_in_and_out() {
        assert_eq!(parse_seconds("1704067200"), Some(1_704_067_200_000_000));
        assert_eq!(parse_seconds("-0.5"), Some(-500_000));
        assert_eq!(parse_seconds("1e9"), None);
        assert_eq!(parse_seconds("1."), None);
        assert_eq!(to_float_seconds(1_704_067_200_000_000), "1.7040672E9");
        assert_eq!(to_float_seconds(1_704_067_200_123_456), "1.704067200123456E9");
        assert_eq!(to_float_seconds(0), "0E0");
    }
}
