use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use event::EventId;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use super::event::Planned;
use crate::Error;

/// One line of the load generator's own journal, which the system under attack never sees.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Line {
    /// The event is about to be sent for the first time.
    Intent {
        event: Planned,
        key: Uuid,
    },
    Answered {
        number: i64,
        id: EventId,
    },
    Refused {
        number: i64,
        why: String,
    },
}

type Written = (Line, oneshot::Sender<()>);

/// A journal whose `write` returns once the line is on disk, so that nothing follows from an unwritten line.
/// Concurrent writers share one fsync.
#[derive(Clone)]
pub(crate) struct Journal(mpsc::Sender<Written>);

impl Journal {
    pub(crate) fn create(path: &Path) -> Result<Self, Error> {
        let file = File::create(path)?;
        let (sender, receiver) = mpsc::channel(10_000);
        std::thread::spawn(move || {
            if let Err(error) = keep(file, receiver) {
                eprintln!("the journal cannot be written: {error}");
            }
        });
        Ok(Self(sender))
    }

    pub(crate) async fn write(&self, line: Line) -> Result<(), Error> {
        let (written, on_disk) = oneshot::channel();
        self.0.send((line, written)).await.map_err(|_| "the journal has ended")?;
        on_disk.await.map_err(|_| "the journal has ended".into())
    }
}

fn keep(file: File, mut lines: mpsc::Receiver<Written>) -> Result<(), Error> {
    let mut file = BufWriter::new(file);
    let mut page = Vec::new();
    while lines.blocking_recv_many(&mut page, 1_000) > 0 {
        for (line, _) in &page {
            serde_json::to_writer(&mut file, line)?;
            file.write_all(b"\n")?;
        }
        file.flush()?;
        file.get_ref().sync_data()?;
        for (_, written) in page.drain(..) {
            // The task that waits for this line may have been cancelled meanwhile.
            let _ = written.send(());
        }
    }
    Ok(())
}

pub(crate) fn read(path: &Path) -> Result<Vec<Line>, Error> {
    let lines = BufReader::new(File::open(path)?).lines();
    lines.map(|line| Ok(serde_json::from_str(&line?)?)).collect()
}
