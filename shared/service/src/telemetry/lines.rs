use std::io::{self, BufWriter, Stdout, Write, stdout};
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::Duration;

use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::fmt::MakeWriter;

/// So many lines wait for stdout; who logs one more waits too, and none is dropped.
const MAX_WAITING: usize = 4096;

/// How long lines are gathered. Without it the thread that writes is woken for each of them, which costs as much as it saves.
const GATHERED_FOR: Duration = Duration::from_millis(5);

static WRITER: Mutex<Option<WorkerGuard>> = Mutex::new(None);

/// A thread of its own writes, as many lines at once as there are: a system call for each costs a request a tenth of its CPU.
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
    /// By itself once the thread has ended: what goes wrong at the very end is told too.
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

/// Writes what still waits, and ends the thread.
pub(crate) fn flush() {
    drop(WRITER.lock().unwrap_or_else(PoisonError::into_inner).take());
}

/// Also where a panic ends the process.
pub(crate) struct FlushAtEnd;

impl Drop for FlushAtEnd {
    fn drop(&mut self) {
        flush();
    }
}
