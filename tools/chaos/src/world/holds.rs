use std::fs::{File, create_dir_all, read_dir, remove_file};
use std::path::{Path, PathBuf};

use uuid::Uuid;

use crate::Error;

/// The folder through which attempts are held at a fault point. `service::fault` implements the other side.
pub(crate) struct Holds {
    folder: PathBuf,
}

impl Holds {
    pub(super) fn create(folder: PathBuf) -> Result<Self, Error> {
        create_dir_all(&folder)?;
        Ok(Self { folder })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The next first attempt that comes to this point is held there.
    pub(crate) fn ask(&self, point: &str) -> Result<(), Error> {
        File::create(self.folder.join(point))?;
        Ok(())
    }

    /// Returns false if an attempt has taken the request already.
    pub(crate) fn withdraw(&self, point: &str) -> bool {
        remove_file(self.folder.join(point)).is_ok()
    }

    /// Returns the event whose attempts are held.
    pub(crate) fn event(&self) -> Result<Option<Uuid>, Error> {
        for entry in read_dir(&self.folder)? {
            let path = entry?.path();
            let id = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok());
            if id.is_some() && !path.join("all.go").exists() {
                return Ok(id);
            }
        }
        Ok(None)
    }

    /// Returns the attempts of the event that have come to the point, in their order.
    pub(crate) fn attempts(&self, id: Uuid) -> Result<Vec<u32>, Error> {
        let mut attempts = Vec::new();
        for entry in read_dir(self.folder.join(id.to_string()))? {
            let name = entry?.file_name();
            let held = name.to_str().and_then(|name| name.strip_suffix(".held"));
            attempts.extend(held.and_then(|attempt| attempt.parse::<u32>().ok()));
        }
        attempts.sort_unstable();
        Ok(attempts)
    }

    pub(crate) fn release(&self, id: Uuid, attempt: u32) -> Result<(), Error> {
        self.write(id, &format!("{attempt}.go"))
    }

    /// Releases all held attempts of the event. Later attempts pass too.
    pub(crate) fn release_all(&self, id: Uuid) -> Result<(), Error> {
        self.write(id, "all.go")
    }

    /// Tells whether a held attempt has ended.
    pub(crate) fn is_over(&self, id: Uuid, attempt: u32) -> bool {
        self.folder.join(id.to_string()).join(format!("{attempt}.over")).exists()
    }

    fn write(&self, id: Uuid, name: &str) -> Result<(), Error> {
        File::create(self.folder.join(id.to_string()).join(name))?;
        Ok(())
    }
}
