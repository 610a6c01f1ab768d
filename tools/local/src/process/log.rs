use std::{
    collections::VecDeque,
    fs::File,
    io::{self, Write},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

use super::Child;

/// The number of lines that are shown when a process has died.
const RECENT: usize = 5;

type Show = Box<dyn Fn(&str) + Send + Sync>;

/// The output of one process. All of it goes to a file, and each line is shown to the host.
pub(crate) struct Log {
    kept: Mutex<Kept>,
    show: Show,
}

struct Kept {
    file: File,
    recent: VecDeque<String>,
}

impl Log {
    pub(crate) fn create(path: &Path, show: Show) -> io::Result<Arc<Self>> {
        let kept = Kept { file: File::create(path)?, recent: VecDeque::new() };
        Ok(Arc::new(Self { kept: Mutex::new(kept), show }))
    }

    pub(crate) fn recent(&self) -> String {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let lines: Vec<&str> = kept.recent.iter().map(String::as_str).collect();
        lines.join("\n")
    }

    /// Reads all output. The returned future ends when the process has closed its output.
    pub(crate) fn listen(self: &Arc<Self>, child: &mut Child) -> impl Future<Output = ()> + use<> {
        let (stdout, stderr) = child.output();
        let stdout = stdout.map(|output| tokio::spawn(self.clone().take(output)));
        let stderr = stderr.map(|output| tokio::spawn(self.clone().take(output)));
        async move {
            for end in [stdout, stderr].into_iter().flatten() {
                // A panic of the task has been printed already.
                let _ = end.await;
            }
        }
    }

    /// A process stops if no one reads its output, so a full disk does not end the reading.
    async fn take(self: Arc<Self>, output: impl AsyncRead + Unpin) {
        let mut output = BufReader::new(output);
        let mut line = Vec::new();
        while let Ok(1..) = output.read_until(b'\n', &mut line).await {
            if let Err(error) = self.add(&line) {
                (self.show)(&format!("ERROR the log cannot be written: {error}"));
            }
            line.clear();
        }
    }

    fn add(&self, line: &[u8]) -> io::Result<()> {
        let text = String::from_utf8_lossy(line);
        let text = text.trim_end();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.file.write_all(line)?;
        if kept.recent.len() == RECENT {
            kept.recent.pop_front();
        }
        kept.recent.push_back(text.to_owned());
        drop(kept);
        (self.show)(text);
        Ok(())
    }
}
