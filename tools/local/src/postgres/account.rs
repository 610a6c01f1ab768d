use std::{
    fs::metadata,
    io,
    os::unix::{
        fs::{MetadataExt, chown},
        process::CommandExt,
    },
    path::Path,
    process::Command,
};

use crate::Error;

/// The account that PostgreSQL runs as if this process is root, because PostgreSQL refuses to run as root.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Account {
    uid: u32,
    gid: u32,
}

impl Account {
    /// Returns None if this process is not root. PostgreSQL then runs as the same user.
    pub(super) fn needed() -> Result<Option<Self>, Error> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        let passwd = std::fs::read_to_string("/etc/passwd")?;
        ["postgres", "nobody"].iter().find_map(|name| Self::named(name, &passwd)).map(Some).ok_or_else(|| {
            "PostgreSQL refuses to run as root, and /etc/passwd has neither `postgres` nor \
                 `nobody`: run this as an ordinary user"
                .into()
        })
    }

    fn named(name: &str, passwd: &str) -> Option<Self> {
        passwd.lines().find_map(|line| {
            let mut fields = line.split(':');
            (fields.next()? == name).then_some(())?;
            Some(Self { uid: fields.nth(1)?.parse().ok()?, gid: fields.next()?.parse().ok()? })
        })
    }

    pub(super) fn run(&self, command: &mut Command) {
        command.uid(self.uid).gid(self.gid);
    }

    pub(super) fn give(&self, path: &Path) -> io::Result<()> {
        chown(path, Some(self.uid), Some(self.gid))
    }

    /// Tells whether the account may enter every folder on the way to `path`. It may not enter `/root`, for example.
    pub(super) fn reaches(&self, path: &Path) -> io::Result<bool> {
        for folder in path.canonicalize()?.ancestors() {
            let folder = metadata(folder)?;
            let execute = if folder.uid() == self.uid {
                0o100
            } else if folder.gid() == self.gid {
                0o010
            } else {
                0o001
            };
            if folder.mode() & execute == 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::{fs::Permissions, os::unix::fs::PermissionsExt};

    use super::*;

    #[test]
    fn an_account_is_read_by_its_whole_name() {
        let passwd = "postgres-old:x:7:8::/:\nbroken\npostgres:x:101:104:PostgreSQL:/:/bin/sh\n";
        assert_eq!(Account::named("postgres", passwd), Some(Account { uid: 101, gid: 104 }));
        assert_eq!(Account::named("nobody", passwd), None);
    }

    #[test]
    fn a_closed_folder_on_the_way_is_seen() {
        let outer = tempfile::tempdir().unwrap();
        let inner = outer.path().join("inner");
        std::fs::create_dir(&inner).unwrap();
        let stranger = Account { uid: 54_321, gid: 54_321 };
        std::fs::set_permissions(outer.path(), Permissions::from_mode(0o700)).unwrap();
        assert!(!stranger.reaches(&inner).unwrap());
        std::fs::set_permissions(outer.path(), Permissions::from_mode(0o711)).unwrap();
        assert!(stranger.reaches(&inner).unwrap());
    }
}
