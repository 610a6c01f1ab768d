use std::{
    fs::{File, OpenOptions, TryLockError, create_dir_all},
    io::{Read, Write},
    path::Path,
};

use crate::Error;

/// A lock that allows one host in a folder, because two would share its data. The system releases the lock when the
/// process ends.
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    pub(super) fn take(folder: &Path) -> Result<Self, Error> {
        create_dir_all(folder)?;
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(folder.join("lock"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                file.read_to_string(&mut pid)?;
                return Err(format!("`make run` runs here already, as pid {}", pid.trim()).into());
            }
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        file.set_len(0)?;
        writeln!(file, "{}", std::process::id())?;
        Ok(Self { _file: file })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_second_one_is_told_who_holds_it() {
        let folder = tempfile::tempdir().unwrap();
        let held = Lock::take(folder.path()).unwrap();
        let told = Lock::take(folder.path()).err().unwrap().to_string();
        assert!(told.ends_with(&format!("pid {}", std::process::id())), "{told}");
        drop(held);
        Lock::take(folder.path()).unwrap();
    }
}
