use std::{fs::Permissions, os::unix::fs::PermissionsExt};

use tempfile::{Builder, TempDir};

use crate::Error;

/// A folder for one run, which another account may walk through: where we are root, PostgreSQL
/// runs as somebody else, for whom root's own `TMPDIR` may be closed.
pub(crate) fn folder() -> Result<TempDir, Error> {
    let mut builder = Builder::new();
    builder
        .prefix("eventflow-")
        .permissions(Permissions::from_mode(0o711));
    Ok(if rustix::process::geteuid().is_root() {
        builder.tempdir_in("/tmp")?
    } else {
        builder.tempdir()?
    })
}
