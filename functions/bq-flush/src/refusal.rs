//! Finds the kind of a refusal from BigQuery's message, independent of the row.

/// A kind of refusal has at most this many characters.
const LONGEST: usize = 300;

/// Returns the message without its numbers, because they are the place of the row or its content.
pub(crate) fn kind(message: &str) -> String {
    let mut kind = String::new();
    let mut rest = message;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        kind.push_str(rest[..at].trim_end_matches(['-', '.']));
        kind.push('#');
        rest = rest[at..]
            .trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-'));
    }
    kind.push_str(rest);
    kind.chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::kind;

    #[test]
    fn refusals_of_one_kind_are_the_same() {
        let said = |position, number| {
            format!(
                "Error while reading data, error message: JSON parsing error in row starting at position {position}: Invalid \
                 input: Input number: {number} cannot round-trip through string representation"
            )
        };
        assert_eq!(kind(&said("0", "67.174118")), kind(&said("1234", "-1.5e-7")));
        assert_ne!(kind("No such field: a."), kind("No such field: b."));
        assert_eq!(kind("no number"), "no number");
    }
}
