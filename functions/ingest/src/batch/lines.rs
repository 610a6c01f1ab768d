//! A batch with one event on each line, read while it arrives. Only the current line is held in memory, not the body.

use service::Problem;

use super::{MAX_EVENTS, too_large, too_many};
use crate::accept::Item;

/// The longest end of a line.
const NEWLINE: usize = "\r\n".len();

pub(crate) struct Lines<R> {
    read: R,
    limit: usize,
    /// The current line, up to the size that an event may have.
    line: Vec<u8>,
    length: usize,
    /// The position of that line in the whole body.
    offset: usize,
    items: Vec<Item>,
}

impl<R: Fn(&[u8], usize) -> Item> Lines<R> {
    pub(crate) fn new(limit: usize, read: R) -> Self {
        Self { read, limit, line: Vec::new(), length: 0, offset: 0, items: Vec::new() }
    }

    pub(crate) fn push(&mut self, chunk: &[u8]) -> Result<(), Problem> {
        for piece in chunk.split_inclusive(|byte| *byte == b'\n') {
            let room = (self.limit + NEWLINE).saturating_sub(self.line.len());
            self.line.extend_from_slice(&piece[..piece.len().min(room)]);
            self.length += piece.len();
            if piece.ends_with(b"\n") {
                self.end_line()?;
            }
        }
        Ok(())
    }

    /// The last line needs no newline at its end.
    pub(crate) fn end(mut self) -> Result<Vec<Item>, Problem> {
        self.end_line()?;
        Ok(self.items)
    }

    fn end_line(&mut self) -> Result<(), Problem> {
        let start = self.line.trim_ascii_start();
        let event = start.trim_ascii_end();
        let item = if self.length > self.line.len() || event.len() > self.limit {
            Some(Err(too_large(self.limit)))
        } else if event.is_empty() {
            None
        } else {
            Some((self.read)(event, self.offset + self.line.len() - start.len()))
        };
        self.offset += self.length;
        self.length = 0;
        self.line.clear();
        if item.is_some() && self.items.len() == MAX_EVENTS {
            return Err(too_many());
        }
        self.items.extend(item);
        Ok(())
    }
}
