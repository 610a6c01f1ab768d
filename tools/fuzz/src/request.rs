use http::{HeaderMap, HeaderName, HeaderValue};

/// Reads lines of headers, an empty line and a body. A line that is no header is left out.
pub(crate) fn parts(bytes: &[u8]) -> (HeaderMap, &[u8]) {
    let end = bytes.windows(2).position(|two| two == b"\n\n");
    let (head, body) = end.map_or((bytes, &[][..]), |end| (&bytes[..end], &bytes[end + 2..]));
    let lines = head.split(|byte| *byte == b'\n');
    let headers = lines.filter_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let name = HeaderName::from_bytes(&line[..colon]).ok()?;
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?;
        Some((name, value))
    });
    let mut all = HeaderMap::new();
    for (name, value) in headers.take(MOST_HEADERS) {
        all.append(name, value);
    }
    (all, body)
}

const MOST_HEADERS: usize = 100;
