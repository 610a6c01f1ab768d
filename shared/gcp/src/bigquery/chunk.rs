use bytes::Bytes;

/// A piece of an upload. The length of every piece but the last is a multiple of 256 KiB.
pub(super) struct Chunk {
    pub(super) start: u64,
    pub(super) bytes: Bytes,
    pub(super) last: bool,
}

impl Chunk {
    pub(super) fn end(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }

    /// The range and the bytes of the chunk from a place of the upload on.
    pub(super) fn rest(&self, from: u64) -> (String, Bytes) {
        let skip = usize::try_from(from - self.start).unwrap_or(usize::MAX);
        let bytes = self.bytes.slice(skip.min(self.bytes.len())..);
        if bytes.is_empty() {
            return self.question();
        }
        let range = format!("bytes {from}-{}/{}", self.end() - 1, self.total());
        (range, bytes)
    }

    /// The range of a request that asks how far the upload has come. If all of it has arrived, the request ends the
    /// upload too.
    pub(super) fn question(&self) -> (String, Bytes) {
        (format!("bytes */{}", self.total()), Bytes::new())
    }

    /// The length of the whole upload, which is known only with the last chunk.
    fn total(&self) -> String {
        if self.last { self.end().to_string() } else { "*".into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(last: bool) -> Chunk {
        Chunk { start: 100, bytes: Bytes::from_static(b"0123456789"), last }
    }

    #[test]
    fn the_total_is_told_with_the_last_chunk() {
        assert_eq!(chunk(false).rest(100).0, "bytes 100-109/*");
        assert_eq!(chunk(true).rest(100).0, "bytes 100-109/110");
        assert_eq!(chunk(false).question().0, "bytes */*");
        assert_eq!(chunk(true).question().0, "bytes */110");
    }

    #[test]
    fn the_rest_begins_where_the_upload_stands() {
        let (range, bytes) = chunk(true).rest(104);
        assert_eq!((range.as_str(), &bytes[..]), ("bytes 104-109/110", &b"456789"[..]));
    }

    #[test]
    fn where_nothing_is_left_only_the_end_is_told() {
        assert_eq!(chunk(true).rest(110), ("bytes */110".into(), Bytes::new()));
    }
}
