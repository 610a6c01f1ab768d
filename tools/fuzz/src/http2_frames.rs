use service::testing::frames;

/// The frames of an HTTP/2 connection: the state of the headers does not depend on the chunks in which the bytes
/// arrive. The first byte is the length of a chunk.
pub fn http2_frames(bytes: &[u8]) {
    let Some((step, bytes)) = bytes.split_first() else { return };
    let (complete, unfinished) = frames([bytes]);
    assert_eq!(frames(bytes.chunks(1)), (complete, unfinished));
    assert_eq!(frames(bytes.chunks(usize::from(*step).max(1))), (complete, unfinished));
    assert_eq!(unfinished, is_unfinished(bytes));
}

/// Reads frame by frame, as RFC 9113 defines them.
fn is_unfinished(mut bytes: &[u8]) -> bool {
    let mut in_headers = false;
    while let Some((&[high, middle, low, kind, flags, ..], rest)) = bytes.split_first_chunk::<9>() {
        let length = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
        let begins_headers = kind == 1 || kind == 9;
        in_headers |= begins_headers;
        let Some(next) = rest.get(length..) else { return in_headers };
        if begins_headers && flags & 4 != 0 {
            in_headers = false;
        }
        bytes = next;
    }
    in_headers || !bytes.is_empty()
}
