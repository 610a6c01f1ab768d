use std::fmt;

use crate::Error;

/// A report with one line for each check.
#[derive(Default)]
pub(crate) struct Report(Vec<Line>);

struct Line {
    what: &'static str,
    result: Result<String, String>,
}

impl Report {
    /// Records the result, and returns its value if there is one.
    pub(crate) fn keep<T>(
        &mut self,
        what: &'static str,
        result: Result<T, Error>,
        told: impl FnOnce(&T) -> String,
    ) -> Option<T> {
        let line = result.as_ref().map(told).map_err(ToString::to_string);
        self.0.push(Line { what, result: line });
        result.ok()
    }

    pub(crate) fn is_well(&self) -> bool {
        self.0.iter().all(|line| line.result.is_ok())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Line { what, result } in &self.0 {
            match result {
                Ok(told) => writeln!(f, "ok      {what:<34} {told}")?,
                Err(error) => writeln!(f, "FAILED  {what:<34} {error}")?,
            }
        }
        f.write_str(if self.is_well() { "All is well." } else { "Something is wrong." })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failure_is_enough() {
        let mut report = Report::default();
        assert_eq!(report.keep("a", Ok(1), |n| format!("{n} row")), Some(1));
        assert!(report.is_well());
        assert_eq!(report.keep::<()>("b", Err("no answer".into()), |()| String::new()), None);
        assert!(!report.is_well());
        assert!(report.to_string().contains("FAILED  b"), "{report}");
    }
}
