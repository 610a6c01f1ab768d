use std::fs::{File, create_dir_all, remove_dir, remove_file};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Error;

const GIB: u64 = 1 << 30;

/// A disk for the data of PostgreSQL that is small enough to be filled.
pub(crate) struct SmallDisk {
    folder: PathBuf,
}

impl SmallDisk {
    /// Mounts the disk. Returns the reason if that is not possible here.
    pub(super) fn mount(folder: &Path) -> Result<Self, String> {
        let size = format!("size={}", 2 * GIB);
        let mounted = create_dir_all(folder).and_then(|()| {
            Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder).output()
        });
        match mounted {
            Ok(output) if output.status.success() => Ok(Self { folder: folder.to_owned() }),
            _ => Err("a full disk under PostgreSQL: no tmpfs can be mounted here (sudo make chaos, or a container with --cap-add SYS_ADMIN)".into()),
        }
    }

    /// Fills the disk to the last byte. Returns the file that has to be removed.
    pub(crate) fn fill(&self) -> Result<PathBuf, Error> {
        let path = self.folder.join("ballast");
        let mut file = File::create(&path)?;
        let piece = vec![0; 1 << 20];
        while file.write(&piece).is_ok_and(|written| written > 0) {}
        Ok(path)
    }

    pub(crate) fn empty(ballast: &Path) -> Result<(), Error> {
        Ok(remove_file(ballast)?)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("--lazy").arg(&self.folder).output();
        if !unmounted.is_ok_and(|output| output.status.success()) {
            eprintln!("{} is still mounted", self.folder.display());
        }
        let _ = remove_dir(&self.folder);
        let _ = self.folder.parent().map(remove_dir);
    }
}
