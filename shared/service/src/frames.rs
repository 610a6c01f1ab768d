/// Parses the frames of an HTTP/2 connection as far as necessary to know whether headers are arriving.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    head: [u8; HEAD],
    have: usize,
    payload: usize,
    in_headers: bool,
    last: bool,
}

/// The effect of some bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Everything that was begun before has come to its end.
    pub(crate) complete: bool,
    /// Headers are incomplete, or a frame whose kind is not known yet.
    pub(crate) unfinished: bool,
}

const HEAD: usize = 9;
const HEADERS: u8 = 1;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 4;

impl Frames {
    pub(crate) fn take(&mut self, mut bytes: &[u8]) -> Progress {
        let mut progress = Progress::default();
        while !bytes.is_empty() {
            let taken = if self.payload > 0 { self.take_payload(bytes) } else { self.take_head(bytes) };
            bytes = &bytes[taken..];
            progress.complete |= !self.is_unfinished();
        }
        progress.unfinished = self.is_unfinished();
        progress
    }

    fn take_payload(&mut self, bytes: &[u8]) -> usize {
        let taken = self.payload.min(bytes.len());
        self.payload -= taken;
        self.end_headers();
        taken
    }

    fn take_head(&mut self, bytes: &[u8]) -> usize {
        let taken = (HEAD - self.have).min(bytes.len());
        self.head[self.have..self.have + taken].copy_from_slice(&bytes[..taken]);
        self.have += taken;
        if self.have == HEAD {
            let [high, middle, low, kind, flags, ..] = self.head;
            self.have = 0;
            self.payload = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
            if matches!(kind, HEADERS | CONTINUATION) {
                self.in_headers = true;
                self.last = flags & END_HEADERS != 0;
            }
            self.end_headers();
        }
        taken
    }

    fn end_headers(&mut self) {
        if self.payload == 0 && self.last {
            self.in_headers = false;
            self.last = false;
        }
    }

    fn is_unfinished(&self) -> bool {
        self.in_headers || self.have > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DONE: Progress = Progress { complete: true, unfinished: false };
    const OPEN: Progress = Progress { complete: false, unfinished: true };
    const BOTH: Progress = Progress { complete: true, unfinished: true };
    const SETTINGS: [u8; HEAD] = [0, 0, 0, 4, 0, 0, 0, 0, 0];

    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![0, 0, u8::try_from(payload.len()).unwrap_or_default(), kind, flags, 0, 0, 0, 1];
        frame.extend(payload);
        frame
    }

    #[test]
    fn whole_frames_leave_nothing_open() {
        let bytes = [SETTINGS.to_vec(), frame(HEADERS, END_HEADERS, b"abc"), frame(0, 1, b"data")].concat();
        assert_eq!(Frames::default().take(&bytes), DONE);
    }

    #[test]
    fn headers_are_open_until_their_last_byte() {
        let bytes = frame(HEADERS, END_HEADERS, b"abc");
        let mut frames = Frames::default();
        for byte in &bytes[..bytes.len() - 1] {
            assert_eq!(frames.take(&[*byte]), OPEN);
        }
        assert_eq!(frames.take(b"c"), DONE);
    }

    #[test]
    fn headers_go_on_in_continuations() {
        let mut frames = Frames::default();
        assert_eq!(frames.take(&frame(HEADERS, 0, b"abc")), OPEN);
        assert_eq!(frames.take(&frame(CONTINUATION, 0, b"")), OPEN);
        assert_eq!(frames.take(&frame(CONTINUATION, END_HEADERS, b"")), DONE);
    }

    #[test]
    fn the_end_of_one_and_the_start_of_another_are_told_apart() {
        let mut frames = Frames::default();
        assert_eq!(frames.take(&frame(HEADERS, 0, b"")), OPEN);
        let both = [frame(CONTINUATION, END_HEADERS, b""), frame(HEADERS, 0, b"")].concat();
        assert_eq!(frames.take(&both), BOTH);
    }

    #[test]
    fn half_a_body_is_no_headers() {
        let data = frame(0, 0, b"data");
        let mut frames = Frames::default();
        assert_eq!(frames.take(&data[..3]), OPEN);
        assert_eq!(frames.take(&data[3..11]), DONE);
        assert_eq!(frames.take(b"t"), DONE);
    }
}
