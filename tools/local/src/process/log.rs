use std::{
    collections::VecDeque,
    fs::File,
    io::{self, Write},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

use super::Child;

/// As much as one wants to read of what a process said before it died.
const RECENT: usize = 5;

type Show = Box<dyn Fn(&str) + Send + Sync>;

/// What one process prints: all of it in a file, and each line shown to the host.
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

    /// Takes everything that comes; ends when the process has closed its ends.
    pub(crate) fn listen(self: &Arc<Self>, child: &mut Child) -> impl Future<Output = ()> + use<> {
        let (stdout, stderr) = child.output();
        let stdout = stdout.map(|output| tokio::spawn(self.clone().take(output)));
        let stderr = stderr.map(|output| tokio::spawn(self.clone().take(output)));
        async move {
            for end in [stdout, stderr].into_iter().flatten() {
                // A panic in there has said so itself.
                let _ = end.await;
            }
        }
    }

    /// A process whose output nobody takes would stand still, so a full disk does not end this.
    async fn take(self: Arc<Self>, output: impl AsyncRead + Unpin) {
        let mut output = BufReader::new(output);
        let mut line = Vec::new();
        while let Ok(1..) = output.read_until(b'\n', &mut line).await {
            if let Err(error) = self.add(&line) {
                (self.show)(&format!("ERROR its log cannot be written: {error}"));
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
