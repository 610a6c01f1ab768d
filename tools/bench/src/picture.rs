//! The picture in the README: bars of EventFlow beside bars of pgbench, as an SVG.

use std::fmt::Write;

use crate::Error;
use crate::figure::Figure;
use crate::report::number;

/// The names of the shown figures, and their labels.
const THROUGHPUT: [(&str, &str); 5] = [
    ("ingest-c64", "POST /events, 64 connections"),
    ("ingest-c256", "POST /events, 256 connections"),
    ("ingest-batch", "POST /events/batch, 100 each"),
    ("push-plain", "PENDING to PROCESSED"),
    ("pipeline", "POST to PROCESSED"),
];
const LATENCY: [(&str, &str); 2] =
    [("latency-p50", "POST /events, median"), ("latency-p99", "POST /events, 99th percentile")];

const WIDTH: f64 = 760.0;
const LABELS: f64 = 230.0;
const BARS: f64 = 400.0;
const BAR: f64 = 13.0;
const GROUP: f64 = 42.0;
const HEADING: f64 = 34.0;

/// The colours are legible on white and on black.
const STYLE: &str = "text{font:13px system-ui,sans-serif;fill:#777}.h{font-weight:600}.ours{fill:#2f81f7}.theirs{fill:#9aa4af}";

pub(crate) fn draw(figures: &[Figure]) -> Result<String, Error> {
    let mut body = String::new();
    let mut y = 8.0;
    for (heading, shown) in [
        ("events or rows a second, more is better", &THROUGHPUT[..]),
        ("milliseconds at half of that, less is better", &LATENCY[..]),
    ] {
        let found: Vec<_> =
            shown.iter().filter_map(|(name, label)| Some((bars(figures, name)?, *label))).collect();
        let most = found.iter().flat_map(|((ours, theirs), _)| [*ours, *theirs]).fold(0.0, f64::max);
        if found.is_empty() {
            continue;
        }
        y += HEADING;
        writeln!(body, r#"<text class="h" x="0" y="{}">{heading}</text>"#, y - 12.0)?;
        for ((ours, theirs), label) in found {
            writeln!(
                body,
                r#"<text x="{}" y="{}" text-anchor="end">{label}</text>"#,
                LABELS - 10.0,
                y + BAR + 4.0
            )?;
            bar(&mut body, "ours", y, ours, most)?;
            bar(&mut body, "theirs", y + BAR + 2.0, theirs, most)?;
            y += GROUP;
        }
    }
    if body.is_empty() {
        return Err("none of the figures that are drawn were measured".into());
    }
    y += 12.0;
    for (x, class, name) in
        [(LABELS, "ours", "EventFlow"), (LABELS + 110.0, "theirs", "pgbench, the same writes alone")]
    {
        writeln!(body, r#"<rect class="{class}" x="{x}" y="{}" width="12" height="12"/>"#, y - 11.0)?;
        writeln!(body, r#"<text x="{}" y="{y}">{name}</text>"#, x + 18.0)?;
    }
    let height = y + 12.0;
    Ok(format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="EventFlow beside pgbench">
<style>{STYLE}</style>
{body}</svg>
"#
    ))
}

fn bars(figures: &[Figure], name: &str) -> Option<(f64, f64)> {
    let figure = figures.iter().find(|figure| figure.name == name)?;
    figure.value.zip(figure.yardstick)
}

fn bar(body: &mut String, class: &str, y: f64, value: f64, most: f64) -> std::fmt::Result {
    let width = (BARS * value / most).max(1.0);
    writeln!(body, r#"<rect class="{class}" x="{LABELS}" y="{y}" width="{width:.1}" height="{BAR}"/>"#)?;
    writeln!(body, r#"<text x="{:.1}" y="{}">{}</text>"#, LABELS + width + 6.0, y + BAR - 2.0, number(value))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_was_measured_is_drawn_to_scale() {
        let figures = [
            Figure::beside("ingest-c64", 10_000.0, "events/s", 5_000.0),
            Figure::beside("latency-p50", 2.0, "ms", 1.0),
            Figure::missing("pipeline", &"gone".into()),
        ];
        let svg = draw(&figures).unwrap();
        assert!(svg.contains(r#"class="ours" x="230" y="42" width="400.0""#), "{svg}");
        assert!(svg.contains(r#"class="theirs" x="230" y="57" width="200.0""#), "{svg}");
        assert!(svg.contains("10,000") && !svg.contains("POST to PROCESSED"), "{svg}");
        assert_eq!(svg.matches("<rect").count(), svg.matches("height=\"1").count());
    }

    #[test]
    fn nothing_is_no_picture() {
        assert!(draw(&[]).is_err());
    }
}
