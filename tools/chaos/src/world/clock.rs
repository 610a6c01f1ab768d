use std::path::PathBuf;

use crate::tools;

/// The places in which Debian, Ubuntu and Fedora install the library that shows a process another time.
const PLACES: [&str; 4] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib64/faketime/libfaketimeMT.so.1",
    "/usr/lib/faketime/libfaketimeMT.so.1",
];

/// A library that gives a process a wrong clock.
pub(crate) struct WrongClock(PathBuf);

impl WrongClock {
    /// Installs the library if it is missing. Returns the reason if that is not possible.
    pub(crate) fn install() -> Result<(), String> {
        tools::install("libfaketime", "libfaketime, which shows a process another time,", || {
            Self::find().is_ok()
        })
    }

    /// Finds the library. Returns the reason if it is not installed.
    pub(crate) fn find() -> Result<Self, String> {
        let found = PLACES.iter().map(PathBuf::from).find(|place| place.exists());
        found
            .map(Self)
            .ok_or_else(|| "clocks an hour off: libfaketime is not installed (apt-get install libfaketime, dnf install libfaketime)".into())
    }

    /// Only the time of day is wrong. The monotonic clock is not changed.
    pub(crate) fn environment(&self, offset: &str) -> Vec<(&'static str, String)> {
        vec![
            ("LD_PRELOAD", self.0.display().to_string()),
            ("FAKETIME", offset.to_owned()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ]
    }
}
