//! The append-only file from which everything but the rows is read after a restart.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::catalog::Record;

/// A journal in which one line is one commit: after a crash either all of its records exist or none.
pub(crate) struct Journal {
    file: File,
    end: u64,
}

impl Journal {
    pub(crate) fn open(path: &Path) -> io::Result<(Self, Vec<Record>)> {
        let mut file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path)?;
        file.try_lock().map_err(|_| io::Error::other(format!("{} is in use", path.display())))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        // A line without its end was being written when the process died, so no caller has got an answer for it.
        let whole = bytes.iter().rposition(|&b| b == b'\n').map_or(0, |i| i + 1);
        let records = parse(&bytes[..whole])?;
        let mut journal = Self { file, end: whole as u64 };
        journal.cut_to_end()?;
        Ok((journal, records))
    }

    /// Once this returns `Ok`, the records survive a crash.
    pub(crate) fn append(&mut self, records: &[Record]) -> io::Result<()> {
        let mut line = serde_json::to_vec(records)?;
        line.push(b'\n');
        let written = self.file.write_all(&line);
        if let Err(error) = written.and_then(|()| self.file.sync_data()) {
            self.cut_to_end()?;
            return Err(error);
        }
        self.end += line.len() as u64;
        Ok(())
    }

    fn cut_to_end(&mut self) -> io::Result<()> {
        self.file.set_len(self.end)?;
        self.file.seek(SeekFrom::Start(self.end))?;
        Ok(())
    }
}

fn parse(bytes: &[u8]) -> io::Result<Vec<Record>> {
    let mut records = Vec::new();
    for line in bytes.split(|&b| b == b'\n').filter(|line| !line.is_empty()) {
        records.extend(serde_json::from_slice::<Vec<Record>>(line)?);
    }
    Ok(records)
}
