use std::{
    fs::{Permissions, set_permissions},
    os::unix::fs::PermissionsExt,
};

use tempfile::{Builder, TempDir};

use crate::Error;

/// Makes a folder for one run that other accounts may enter. If this process is root, PostgreSQL runs as another
/// account, which may have no access to root's own `TMPDIR`.
pub(crate) fn folder() -> Result<TempDir, Error> {
    let mut builder = Builder::new();
    builder.prefix("eventflow-");
    let folder =
        if rustix::process::geteuid().is_root() { builder.tempdir_in("/tmp")? } else { builder.tempdir()? };
    // The mode is set explicitly, because the umask may close the folder.
    set_permissions(folder.path(), Permissions::from_mode(0o711))?;
    Ok(folder)
}
