//! Programs that a run needs and this machine may not have.

use std::process::Command;

/// Installs a Debian package if `is_there` does not find what it brings. Returns the reason if that is not possible.
pub(crate) fn install(package: &str, what: &str, is_there: impl Fn() -> bool) -> Result<(), String> {
    if is_there() {
        return Ok(());
    }
    if !rustix::process::geteuid().is_root() {
        return Err(format!("{what} is missing: install the package {package} (a run as root installs it)"));
    }
    println!("installing {package} …");
    if !apt_get(&["install", "--yes", "--no-install-recommends", package]) {
        apt_get(&["update"]);
        apt_get(&["install", "--yes", "--no-install-recommends", package]);
    }
    if is_there() { Ok(()) } else { Err(format!("{what} is missing, and apt-get cannot install {package}")) }
}

pub(crate) fn patch() -> Result<(), String> {
    install("patch", "the program `patch`", || Command::new("patch").arg("--version").output().is_ok())
}

fn apt_get(arguments: &[&str]) -> bool {
    let mut command = Command::new("apt-get");
    let output = command.env("DEBIAN_FRONTEND", "noninteractive").args(arguments).output();
    output.is_ok_and(|output| output.status.success())
}
