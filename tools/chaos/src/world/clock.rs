use std::path::PathBuf;

use crate::tools;

/// Where Debian, Ubuntu and Fedora put the library that shows a process another time.
const PLACES: [&str; 4] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib64/faketime/libfaketimeMT.so.1",
    "/usr/lib/faketime/libfaketimeMT.so.1",
];

/// The means to give a process a clock that is wrong.
pub(crate) struct WrongClock(PathBuf);

impl WrongClock {
    /// Where it is not there yet. Or why that is not possible here.
    pub(crate) fn install() -> Result<(), String> {
        tools::install("libfaketime", "libfaketime, which shows a process another time,", || {
            Self::find().is_ok()
        })
    }

    /// Or why that is not possible here.
    pub(crate) fn find() -> Result<Self, String> {
        let found = PLACES.iter().map(PathBuf::from).find(|place| place.exists());
        found
            .map(Self)
            .ok_or_else(|| "clocks an hour off: libfaketime is not installed (apt-get install libfaketime, dnf install libfaketime)".into())
    }

    /// Only the time of day is wrong: time that passes is what it is.
    pub(crate) fn environment(&self, offset: &str) -> Vec<(&'static str, String)> {
        vec![
            ("LD_PRELOAD", self.0.display().to_string()),
            ("FAKETIME", offset.to_owned()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ]
    }
}
