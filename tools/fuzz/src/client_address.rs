use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use http::{Extensions, HeaderMap, HeaderValue};
use service::Peer;

const HEADER: &str = "x-forwarded-for";
const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));

/// `X-Forwarded-For`: the client's address is the entry that the outermost of the trusted proxies wrote, whatever
/// stands before it. The first byte is the number of proxies.
pub fn client_address(bytes: &[u8]) {
    let Some((hops, lines)) = bytes.split_first() else { return };
    let hops = usize::from(hops % 4);
    let lines = lines.split(|byte| *byte == b'\n').take(20);
    let lines: Vec<_> = lines.filter_map(|line| HeaderValue::from_bytes(line).ok()).collect();
    let entries = lines.iter().flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    let entries: Vec<_> = entries.map(<[u8]>::trim_ascii).filter(|entry| !entry.is_empty()).collect();

    let found = of(hops, &lines);
    let entry = entries.len().checked_sub(hops).and_then(|at| entries.get(at));
    let written = entry.and_then(|entry| spelled(str::from_utf8(entry).ok()?));
    assert_eq!(found, written.unwrap_or(PEER).to_canonical());

    if entries.len() >= hops {
        let forged = [HeaderValue::from_static("127.0.0.1, ::1")].into_iter().chain(lines.clone());
        assert_eq!(of(hops, &forged.collect::<Vec<_>>()), found);
    }
    if hops > 0 {
        let behind = lines.into_iter().chain([HeaderValue::from_static("35.191.0.1")]);
        assert_eq!(of(hops + 1, &behind.collect::<Vec<_>>()), found);
    }
}

fn of(hops: usize, lines: &[HeaderValue]) -> IpAddr {
    let mut extensions = Extensions::new();
    extensions.insert(Peer { address: SocketAddr::new(PEER, 4711), hops });
    let lines = lines.iter().map(|line| (HEADER.parse().unwrap(), line.clone()));
    service::client_address(&extensions, &lines.collect::<HeaderMap>()).unwrap()
}

/// Parses an address that is alone, has a port, or is in brackets.
fn spelled(entry: &str) -> Option<IpAddr> {
    let with_port = entry.parse::<SocketAddr>().map(|address| address.ip());
    let bracketed = format!("{entry}:1").parse::<SocketAddr>().map(|address| address.ip());
    let bracketed = bracketed.ok().filter(|_| entry.starts_with('['));
    entry.parse().ok().or(with_port.ok()).or(bracketed)
}
