use std::{fs, io, path::Path};

use super::{FOLDER, lock::Lock};
use crate::{Error, postgres, stack::Environment};

/// Removes the data of earlier runs, and prints their folders.
pub async fn reset() -> Result<(), Error> {
    let here = std::env::current_dir()?;
    let folder = here.join(FOLDER);
    if folder.exists() {
        let _lock = Lock::take(&folder)?;
        for part in parts(&folder)? {
            println!("removes {part}");
        }
        postgres::remove(&folder.join("postgres")).await?;
        fs::remove_dir_all(&folder)?;
    } else {
        println!("nothing to remove: {} does not exist", folder.display());
    }
    if Environment::with_file(&here)?.get("DATABASE_URL").is_some() {
        println!("not removed: the database of DATABASE_URL");
    }
    Ok(())
}

/// The folder of each part, with its size in megabytes of 1,000,000 bytes.
fn parts(folder: &Path) -> io::Result<Vec<String>> {
    let mut parts = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            let tenths = bytes(&path)? / 100_000;
            parts.push(format!("{} ({}.{} MB)", path.display(), tenths / 10, tenths % 10));
        }
    }
    parts.sort();
    Ok(parts)
}

/// Links are followed, because PostgreSQL's files lie in another folder if its account may not enter this one. A
/// broken link has no size.
fn bytes(path: &Path) -> io::Result<u64> {
    let Ok(metadata) = fs::metadata(path) else {
        return Ok(0);
    };
    if !metadata.is_dir() {
        return Ok(metadata.len());
    }
    fs::read_dir(path)?.map(|entry| bytes(&entry?.path())).sum()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn each_part_is_named_with_its_size() {
        let folder = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("lock"), "1").unwrap();
        fs::create_dir_all(folder.path().join("bigquery/tables")).unwrap();
        fs::write(folder.path().join("bigquery/tables/events"), vec![0; 1_250_000]).unwrap();
        fs::create_dir(folder.path().join("postgres")).unwrap();
        fs::write(elsewhere.path().join("file"), vec![0; 300_000]).unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), folder.path().join("postgres/data")).unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        let expected = [format!("{} (1.2 MB)", at("bigquery")), format!("{} (0.3 MB)", at("postgres"))];
        assert_eq!(parts(folder.path()).unwrap(), expected);
    }
}
