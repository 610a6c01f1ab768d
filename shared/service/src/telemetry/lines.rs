use std::io::{self, BufWriter, Stdout, Write, stdout};
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::Duration;

use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::fmt::MakeWriter;

/// The most lines that wait for stdout. The writer of a further line waits too, and none is dropped.
const MAX_WAITING: usize = 4096;

/// The time for which lines are gathered. Without it the writing thread is woken for each line, which costs as much as
/// the gathering saves.
const GATHERED_FOR: Duration = Duration::from_millis(5);

static WRITER: Mutex<Option<WorkerGuard>> = Mutex::new(None);

/// A separate thread writes all waiting lines at once, because a system call for each line costs a request a tenth of
/// its CPU.
pub(super) fn to_stdout() -> impl for<'writer> MakeWriter<'writer> {
    let (lines, writer) = NonBlockingBuilder::default()
        .lossy(false)
        .buffered_lines_limit(MAX_WAITING)
        .thread_name("log")
        .finish(Gathered(BufWriter::new(stdout())));
    *WRITER.lock().unwrap_or_else(PoisonError::into_inner) = Some(writer);
    move || Line(lines.clone())
}

struct Line(NonBlocking);

impl Write for Line {
    /// Writes directly once the thread has ended, so that a failure at the very end is logged too.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.write(line).or_else(|_| stdout().write(line))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Flushed whenever no line waits.
struct Gathered(BufWriter<Stdout>);

impl Write for Gathered {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.0.flush();
        sleep(GATHERED_FOR);
        flushed
    }
}

/// Writes the lines that still wait, and ends the thread.
pub(crate) fn flush() {
    drop(WRITER.lock().unwrap_or_else(PoisonError::into_inner).take());
}

/// Flushes the lines at the end of the process, also if a panic ends it.
pub(crate) struct FlushAtEnd;

impl Drop for FlushAtEnd {
    fn drop(&mut self) {
        flush();
    }
}
