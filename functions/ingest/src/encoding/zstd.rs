//! Parses the frames of a zstd body (RFC 8878) as far as necessary to know the window of each. A decoder allocates the
//! window that the sender asks for, so the window must be in the budget before the decoder sees the frame.

use axum::body::Bytes;
use axum::http::StatusCode;
use service::Problem;
use service::memory::{Account, Held};

use crate::problems;

/// The largest window that RFC 9659 allows for an HTTP body.
const MOST: usize = 8 * 1024 * 1024;
/// The largest block. A smaller window also has smaller blocks.
const BLOCK: usize = 128 * 1024;
/// Memory for a decoder without its buffers.
const CONTEXT: usize = 192 * 1024;

const MAGIC: u64 = 0xfd2f_b528;
/// The magic number of a skippable frame; its last four bits may have any value.
const SKIPPABLE: u64 = 0x184d_2a50;

pub(crate) struct Frames {
    held: Held,
    /// The largest size of the decompressed body.
    limit: usize,
    /// The largest window that such a body can need.
    window: usize,
    part: Part,
    /// The bytes of the current header that have arrived.
    header: Vec<u8>,
    /// The number of bytes before the next header.
    skip: usize,
    has_checksum: bool,
}

#[derive(Clone, Copy)]
enum Part {
    Frame,
    Skippable,
    Block,
    /// The data are not zstd; the decoder reports this.
    Unknown,
}

impl Frames {
    pub(super) fn new(limit: usize, account: &Account) -> Result<Self, Problem> {
        let window = limit.clamp(BLOCK, MOST).next_power_of_two();
        Ok(Self {
            held: account.hold(CONTEXT)?,
            limit,
            window,
            part: Part::Frame,
            header: Vec::new(),
            skip: 0,
            has_checksum: false,
        })
    }

    pub(super) fn window_log(&self) -> u32 {
        self.window.ilog2()
    }

    /// Reserves memory for the windows that these bytes ask for. An encoder that does not know the length of its input
    /// asks for several megabytes. A body within the limit cannot need such a window, so the bytes for the decoder ask
    /// for a smaller one.
    pub(super) fn pass(&mut self, chunk: Bytes) -> Result<Bytes, Problem> {
        let mut smaller = Vec::new();
        let mut at = 0;
        while at < chunk.len() && !matches!(self.part, Part::Unknown) {
            if self.skip > 0 {
                let skipped = self.skip.min(chunk.len() - at);
                self.skip -= skipped;
                at += skipped;
                continue;
            }
            if self.take(chunk[at])? {
                smaller.push(at);
            }
            at += 1;
        }
        if smaller.is_empty() {
            return Ok(chunk);
        }
        let mut chunk = chunk.to_vec();
        for at in smaller {
            chunk[at] = window_descriptor(self.window);
        }
        Ok(chunk.into())
    }

    /// Takes one byte of a header, and returns whether the header asks for a larger window than necessary.
    fn take(&mut self, byte: u8) -> Result<bool, Problem> {
        self.header.push(byte);
        match self.part {
            Part::Frame => return self.take_frame(byte),
            Part::Skippable if self.header.len() == 8 => {
                self.skip = usize::try_from(little_endian(&self.header[4..])).unwrap_or(usize::MAX);
                self.next(Part::Frame);
            }
            Part::Block if self.header.len() == 3 => self.take_block(),
            _ => {}
        }
        Ok(false)
    }

    fn take_frame(&mut self, byte: u8) -> Result<bool, Problem> {
        if self.header.len() == 4 {
            self.part = match little_endian(&self.header) {
                MAGIC => Part::Frame,
                magic if magic & !0xf == SKIPPABLE => Part::Skippable,
                _ => Part::Unknown,
            };
        }
        let (Some(rest), Some(descriptor)) = (self.header.len().checked_sub(5), self.header.get(4).copied())
        else {
            return Ok(false);
        };
        let is_single = descriptor & 0x20 != 0;
        let size = content_size(descriptor, is_single);
        let is_larger = !is_single && rest == 1 && self.hold(window(byte))?;
        if rest > 0 && rest == usize::from(!is_single) + dictionary_id(descriptor) + size {
            if is_single {
                let told = little_endian(&self.header[self.header.len() - size..]);
                self.hold_content(told.saturating_add(if size == 2 { 256 } else { 0 }))?;
            }
            self.has_checksum = descriptor & 4 != 0;
            self.next(Part::Block);
        }
        Ok(is_larger)
    }

    fn take_block(&mut self) {
        let header = little_endian(&self.header);
        let (is_last, kind, size) = (header & 1 == 1, header >> 1 & 3, header >> 3);
        // A block that repeats one byte contains only that byte.
        self.skip = if kind == 1 { 1 } else { usize::try_from(size).unwrap_or(usize::MAX) };
        if is_last && self.has_checksum {
            self.skip += 4;
        }
        self.next(if is_last { Part::Frame } else { Part::Block });
    }

    fn next(&mut self, part: Part) {
        self.part = part;
        self.header.clear();
    }

    /// Reserves memory for a window, and returns whether a smaller window is enough.
    fn hold(&mut self, window: u64) -> Result<bool, Problem> {
        let Some(window) = usize::try_from(window).ok().filter(|window| *window <= MOST) else {
            let detail =
                format!("the body wants a zstd window of {window} bytes, and the limit is {MOST} bytes");
            return Err(Problem::new(StatusCode::BAD_REQUEST, detail)
                .with("field", "Content-Encoding")
                .with("limit", MOST));
        };
        let held = window.min(self.window);
        // Beside the window there are the buffers for the input and the output.
        let bytes = CONTEXT + held + 3 * held.min(BLOCK);
        if bytes > self.held.bytes() {
            self.held.resize(bytes)?;
        }
        Ok(window > self.window)
    }

    /// Reserves memory for a frame whose window is its whole content.
    fn hold_content(&mut self, size: u64) -> Result<(), Problem> {
        if usize::try_from(size).is_ok_and(|size| size <= self.limit) {
            self.hold(size).map(|_| ())
        } else {
            Err(problems::too_large("the body", self.limit, "bytes"))
        }
    }
}

fn window(descriptor: u8) -> u64 {
    let base = 1_u64 << (10 + (descriptor >> 3));
    base + base / 8 * u64::from(descriptor & 7)
}

/// The descriptor of a window whose size is a power of two.
fn window_descriptor(window: usize) -> u8 {
    u8::try_from(window.ilog2() - 10).unwrap_or_default() << 3
}

fn dictionary_id(descriptor: u8) -> usize {
    [0, 1, 2, 4][usize::from(descriptor & 3)]
}

fn content_size(descriptor: u8, is_single: bool) -> usize {
    [usize::from(is_single), 2, 4, 8][usize::from(descriptor >> 6)]
}

fn little_endian(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}
