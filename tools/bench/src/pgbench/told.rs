//! Parsers for the output and the logs of pgbench.

/// Parses `tps = 1234.5 (without initial connection time)`.
pub(super) fn per_second(output: &str) -> Option<f64> {
    let line = output.lines().find_map(|line| line.trim().strip_prefix("tps = "))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Parses `number of failed transactions: 3 (0.1%)`.
pub(super) fn failed(output: &str) -> bool {
    let line = output.lines().find_map(|line| line.trim().strip_prefix("number of failed transactions: "));
    line.is_some_and(|line| !line.starts_with("0 "))
}

/// Each line holds the client, the transaction, the microseconds, and more.
pub(super) fn micros(log: &str) -> impl Iterator<Item = u64> {
    log.lines().filter_map(|line| line.split_whitespace().nth(2)?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_found() {
        let output = "number of failed transactions: 0 (0.000%)\nlatency average = 8.1 ms\ntps = 7893.25 (without initial connection time)\n";
        assert_eq!(per_second(output), Some(7893.25));
        assert!(!failed(output));
        assert!(failed("number of failed transactions: 2 (0.100%)\n"));
        assert_eq!(per_second("nothing"), None);
    }

    #[test]
    fn a_log_is_a_line_for_each_transaction() {
        let log = "0 199 2241 0 1175850568 995598\n0 200 2465 0 1175850568 998079 12\n";
        assert_eq!(micros(log).collect::<Vec<_>>(), [2_241, 2_465]);
    }
}
