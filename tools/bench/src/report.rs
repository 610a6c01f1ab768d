//! The report of a run: JSON for programs, and Markdown for people.

use std::fmt::Write;
use std::path::Path;

use crate::Error;
use crate::figure::Figure;

/// Writes `bench.json` and `bench.md`.
pub(crate) fn write(folder: &Path, figures: &[Figure], about: &[String]) -> Result<(), Error> {
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join("bench.json"), serde_json::to_string_pretty(figures)? + "\n")?;
    std::fs::write(folder.join("bench.md"), markdown(figures, about))?;
    Ok(())
}

pub(crate) fn read(file: &Path) -> Result<Vec<Figure>, Error> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(serde_json::from_str(&text)?)
}

pub(crate) fn markdown(figures: &[Figure], about: &[String]) -> String {
    let mut text = String::from("# Bench\n\n");
    if figures.iter().any(|figure| figure.quick) {
        text += "**Quick**: at a fraction of the full size, so these are hints.\n\n";
    }
    for line in about {
        text += "- ";
        text += line;
        text += "\n";
    }
    text += "\n| name | value | yardstick | ratio | target | met | note |\n| --- | --- | --- | --- | --- | --- | --- |\n";
    for figure in figures {
        text += &row(figure);
    }
    text
}

/// The line of a figure, which is printed during the run.
pub(crate) fn line(figure: &Figure) -> String {
    let beside = figure.yardstick.map_or_else(String::new, |yardstick| {
        format!(" against {}, ratio {}", number(yardstick), optional(figure.ratio))
    });
    let met = match (figure.met, &figure.target) {
        (Some(met), Some(target)) => format!(" ({target}: {})", if met { "met" } else { "MISSED" }),
        _ => String::new(),
    };
    format!("{:<20} {} {}{beside}{met}  {}", figure.name, optional(figure.value), figure.unit, figure.note)
}

fn row(figure: &Figure) -> String {
    let value = figure.value.map_or_else(|| "–".into(), |value| format!("{} {}", number(value), figure.unit));
    let met = figure.met.map_or("", |met| if met { "yes" } else { "**no**" });
    let mut row = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(
        row,
        "| {} | {value} | {} | {} | {} | {met} | {} |",
        figure.name,
        optional(figure.yardstick),
        optional(figure.ratio),
        figure.target.as_deref().unwrap_or_default(),
        figure.note.replace('|', "\\|").replace('\n', " ")
    );
    row
}

fn optional(value: Option<f64>) -> String {
    value.map_or_else(|| "–".into(), number)
}

/// Formats a number with about three significant digits.
pub(crate) fn number(value: f64) -> String {
    match value.abs() {
        large if large >= 1_000.0 => thousands(value),
        large if large >= 100.0 => format!("{value:.0}"),
        large if large >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn numbers_have_the_digits_that_matter() {
        let shown = [1_234_567.8, 999.6, 42.34, 1.304, 0.0].map(number);
        assert_eq!(shown, ["1,234,568", "1000", "42.3", "1.30", "0.00"]);
    }

    #[test]
    fn the_table_says_what_is_met_and_what_is_missing() {
        let figures = [
            Figure::beside("ingest-c64", 13_000.0, "events/s", 10_000.0),
            Figure::missing("ingest-batch", &"a | b".into()),
            Figure { quick: true, ..Figure::alone("start", 12.0, "ms") },
        ];
        let table = markdown(&figures, &["2 cores".into()]);
        assert!(table.contains("**Quick**"), "{table}");
        assert!(
            table.contains("| ingest-c64 | 13,000 events/s | 10,000 | 1.30 | ratio ≥ 1.3 | yes |  |"),
            "{table}"
        );
        assert!(
            table.contains("| ingest-batch | – | – | – | ratio ≥ 0.7 | **no** | failed: a \\| b |"),
            "{table}"
        );
        assert!(!markdown(&figures[..1], &[]).contains("Quick"));
    }

    #[test]
    fn what_is_written_can_be_read_again() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &[Figure::alone("start", 12.0, "ms")], &[]).unwrap();
        let read = read(&folder.path().join("bench.json")).unwrap();
        assert_eq!((read[0].name.as_str(), read[0].value, read[0].met), ("start", Some(12.0), Some(true)));
    }
}
