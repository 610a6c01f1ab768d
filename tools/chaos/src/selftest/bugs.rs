use super::scenes::{self, Scene};

/// A bug, the scene that shows it, and the promises that it breaks. One of these promises has to be seen broken.
pub(super) struct Bug {
    /// The name of the patch without its extension.
    pub(super) name: &'static str,
    /// The services that the patch changes.
    pub(super) services: &'static [&'static str],
    pub(super) scene: &'static Scene,
    pub(super) breaks: &'static [&'static str],
}

pub(super) const BUGS: &[Bug] = &[
    Bug {
        name: "no-fencing",
        services: &["process-push"],
        scene: &scenes::OVERTAKEN,
        breaks: &["not one effect"],
    },
    Bug {
        name: "overtaken-commits",
        services: &["process-push"],
        scene: &scenes::OVERTAKEN,
        breaks: &["not one effect"],
    },
    Bug {
        name: "publish-before-commit",
        services: &["ingest"],
        scene: &scenes::SLOW_INSERTS,
        breaks: &["a push that was no event"],
    },
    Bug {
        name: "answer-before-commit",
        services: &["ingest"],
        scene: &scenes::INGEST_KILLED,
        breaks: &["answered and not stored"],
    },
    Bug {
        name: "begin-in-a-request",
        services: &["ingest"],
        scene: &scenes::IMPATIENT_CLIENTS,
        breaks: &["answered and not stored"],
    },
    Bug {
        name: "ledger-after-job",
        services: &["bq-flush"],
        scene: &scenes::DIES_AFTER_UPLOAD,
        breaks: &["twice in BigQuery"],
    },
    Bug {
        name: "new-job-id-at-each-retry",
        services: &["bq-flush"],
        scene: &scenes::DIES_AFTER_UPLOAD,
        breaks: &["twice in BigQuery"],
    },
    Bug {
        name: "new-job-id-after-a-time-out",
        services: &["bq-flush"],
        scene: &scenes::JOBS_WITHOUT_ANSWER,
        breaks: &["twice in BigQuery"],
    },
    Bug {
        name: "dead-letter-kills",
        services: &["process-push"],
        scene: &scenes::PUSHES_LOST,
        breaks: &["the wrong end"],
    },
    Bug {
        name: "lost-attempt-not-counted",
        services: &["process-push"],
        scene: &scenes::KILLER,
        breaks: &["never ended"],
    },
    Bug {
        name: "lease-by-own-clock",
        services: &["process-push"],
        scene: &scenes::ATTEMPTS_LOST_CLOCK_OFF,
        breaks: &["never ended"],
    },
    Bug {
        name: "relay-forgets-failed",
        services: &["process-push"],
        scene: &scenes::MESSAGES_LOST,
        breaks: &["never ended"],
    },
    Bug {
        name: "rescue-ignores-status",
        services: &["process-push"],
        scene: &scenes::ATTEMPTS_LOST,
        breaks: &["an attempt is not on record"],
    },
    Bug {
        name: "lost-in-company-counts",
        services: &["process-push"],
        scene: &scenes::KILLER_IN_COMPANY,
        breaks: &["the wrong end"],
    },
    Bug {
        name: "interrupted-for-ever",
        services: &["process-push"],
        scene: &scenes::SESSION_ENDER,
        breaks: &["never ended"],
    },
    Bug {
        name: "handler-clock-counts-waits",
        services: &["process-push"],
        scene: &scenes::STARVED,
        breaks: &["the wrong end"],
    },
    Bug {
        name: "relay-only-publishes",
        services: &["process-push"],
        scene: &scenes::NO_PUSHES,
        breaks: &["never ended"],
    },
    Bug {
        name: "fold-outside-transaction",
        services: &["process-push"],
        scene: &scenes::NOTHING,
        breaks: &["metrics are not a count"],
    },
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::process::Command;

    use super::super::workshop::PATCHES;
    use super::*;
    use crate::tools;

    /// If a patch no longer fits the code, its bug is no longer tested.
    #[test]
    fn every_bug_fits_the_code_as_it_is() {
        tools::patch().unwrap();
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
