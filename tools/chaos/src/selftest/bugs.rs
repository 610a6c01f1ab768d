use std::time::Duration;

use crate::faults::Kind;
use crate::proxy::Weather;

/// A bug, the faults that bring it to light, and what it may break; one of that has to be seen.
pub(super) struct Bug {
    /// Of its patch.
    pub(super) name: &'static str,
    pub(super) breaks: &'static [&'static str],
    pub(super) faults: &'static [Kind],
    /// The processes that are attacked begin with this.
    pub(super) targets: &'static str,
    pub(super) fault_points: &'static str,
    pub(super) weather: &'static [(&'static str, Weather)],
    pub(super) set: &'static [(&'static str, &'static str)],
    pub(super) killers: u32,
    pub(super) slow: u32,
    pub(super) failing: u32,
    pub(super) impatient: bool,
    /// How far the clocks of the second instances are off.
    pub(super) second_clock: Option<&'static str>,
}

const NONE: Bug = Bug {
    name: "",
    breaks: &[],
    faults: &[],
    targets: "",
    fault_points: "",
    weather: &[],
    set: &[],
    killers: 0,
    slow: 20,
    failing: 20,
    impatient: false,
    second_clock: None,
};

pub(super) const BUGS: &[Bug] = &[
    Bug {
        name: "publish-before-commit",
        breaks: &["a push that was no event"],
        weather: &[("ingest to PostgreSQL", Weather::Slow(Duration::from_millis(100)))],
        ..NONE
    },
    Bug {
        name: "no-fencing",
        breaks: &["not one effect"],
        faults: &[Kind::Freeze],
        // The other one goes on meanwhile, and overtakes it.
        targets: "process-push-1",
        slow: 300,
        ..NONE
    },
    Bug {
        name: "answer-before-commit",
        breaks: &["answered and not stored"],
        faults: &[Kind::Kill, Kind::DatabaseCrash],
        targets: "ingest",
        weather: &[("ingest to PostgreSQL", Weather::Slow(Duration::from_millis(50)))],
        ..NONE
    },
    Bug {
        name: "ledger-after-job",
        breaks: &["twice in BigQuery"],
        fault_points: "after-upload=0.5",
        ..NONE
    },
    Bug {
        name: "new-job-id-at-each-retry",
        breaks: &["twice in BigQuery"],
        fault_points: "after-upload=0.5",
        ..NONE
    },
    Bug {
        name: "new-job-id-after-a-time-out",
        breaks: &["twice in BigQuery"],
        faults: &[Kind::AcceptedWithoutAnswer],
        ..NONE
    },
    Bug {
        name: "dead-letter-kills",
        breaks: &["the wrong end"],
        weather: &[("Pub/Sub to push", Weather::LoseRequests(0.9))],
        // Or the failures would slow Pub/Sub down before it gives up on anything.
        set: &[("PUBSUB_MAX_BACKOFF_MS", "1")],
        ..NONE
    },
    Bug {
        name: "lost-attempt-not-counted",
        breaks: &["never ended"],
        set: &[("MAX_LOST_ATTEMPTS", "3")],
        killers: 1,
        ..NONE
    },
    Bug {
        name: "lease-by-own-clock",
        breaks: &["never ended"],
        faults: &[Kind::Kill],
        targets: "process-push",
        slow: 300,
        second_clock: Some("+50m"),
        ..NONE
    },
    Bug {
        name: "relay-forgets-failed",
        breaks: &["never ended"],
        faults: &[Kind::PubsubAway, Kind::Dropped],
        failing: 300,
        ..NONE
    },
    Bug { name: "fold-outside-transaction", breaks: &["metrics are not a count"], fault_points: "", ..NONE },
    Bug {
        name: "begin-in-a-request",
        breaks: &["answered and not stored"],
        weather: &[("ingest to PostgreSQL", Weather::Slow(Duration::from_millis(30)))],
        impatient: true,
        ..NONE
    },
    Bug {
        name: "rescue-ignores-status",
        breaks: &["an attempt is not on record"],
        faults: &[Kind::Kill],
        targets: "process-push",
        slow: 300,
        ..NONE
    },
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::process::Command;

    use super::super::workshop::PATCHES;
    use super::*;

    /// A bug that can no longer be planted is one that nobody looks for.
    #[test]
    fn every_bug_fits_the_code_as_it_is() {
        if Command::new("patch").arg("--version").output().is_err() {
            println!("not tried: the program `patch` is not installed");
            return;
        }
        for bug in BUGS {
            let patch = format!("{PATCHES}/{}.patch", bug.name);
            let output = Command::new("patch")
                .args(["--strip=1", "--forward", "--fuzz=3", "--dry-run", "--input", &patch])
                .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
                .output()
                .unwrap();
            assert!(output.status.success(), "{patch}: {}", String::from_utf8_lossy(&output.stdout));
        }
        let kept = std::fs::read_dir(PATCHES).unwrap().count();
        assert_eq!(kept, BUGS.len(), "a patch that no bug names");
    }
}
