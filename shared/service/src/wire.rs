use crate::frames::Frames;
use crate::patience::Patience;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The protocol of a client, found by its first bytes, and the state of its input.
pub(crate) enum Wire {
    /// Only this much of HTTP/2's preface has come so far.
    Preface(usize),
    Http1,
    Http2(Frames),
}

impl Wire {
    pub(crate) fn take(&mut self, bytes: &[u8], patience: &Patience) {
        match self {
            Self::Preface(have) => {
                let rest = &PREFACE[*have..];
                let seen = rest.len().min(bytes.len());
                if rest[..seen] != bytes[..seen] {
                    *self = Self::Http1;
                    patience.bytes_came();
                } else if seen < rest.len() {
                    *have += seen;
                } else {
                    *self = Self::Http2(Frames::default());
                    self.take(&bytes[seen..], patience);
                }
            }
            Self::Http1 => patience.bytes_came(),
            Self::Http2(frames) => patience.frames_came(frames.take(bytes)),
        }
    }
}
