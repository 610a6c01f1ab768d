use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use http::{Extensions, HeaderMap, HeaderName};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The other end of the socket that a request came by. Every request has it among its extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    pub address: SocketAddr,
    /// `FORWARDED_HOPS`: the number of last entries of `X-Forwarded-For` that were written by our own proxies.
    pub hops: usize,
}

/// Returns the address that a request came from. The client's own entries of `X-Forwarded-For` are to the left of those
/// that our proxies appended, and are never believed. None if the request came by no socket, as in a test.
pub fn client_address(extensions: &Extensions, headers: &HeaderMap) -> Option<IpAddr> {
    let peer = extensions.get::<Peer>()?;
    let forwarded = peer.hops.checked_sub(1).and_then(|hop| from_the_right(headers, hop));
    Some(forwarded.unwrap_or(peer.address.ip()).to_canonical())
}

/// Returns the network of the client's address, because a client with one IPv6 address has the 2^64 addresses of its
/// network.
pub fn client_network(extensions: &Extensions, headers: &HeaderMap) -> Option<IpAddr> {
    client_address(extensions, headers).map(|address| match address {
        IpAddr::V6(address) => {
            let prefix = u128::from(address) & !u128::from(u64::MAX);
            Ipv6Addr::from(prefix).into()
        }
        v4 @ IpAddr::V4(_) => v4,
    })
}

/// Several headers of this name form one list, and empty entries do not count, as RFC 9110 says.
fn from_the_right(headers: &HeaderMap, hop: usize) -> Option<IpAddr> {
    let lines = headers.get_all(FORWARDED_FOR).iter().rev();
    let entries = lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
    let mut entries = entries.map(<[u8]>::trim_ascii).filter(|entry| !entry.is_empty());
    address(str::from_utf8(entries.nth(hop)?).ok()?)
}

/// The address may have a port, and an IPv6 address may have brackets.
fn address(entry: &str) -> Option<IpAddr> {
    let with_port = || entry.parse::<SocketAddr>().ok().map(|address| address.ip());
    let bracketed = || entry.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    entry.parse().ok().or_else(with_port).or_else(bracketed)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn client(hops: usize, lines: &[&str]) -> String {
        let mut extensions = Extensions::new();
        extensions.insert(Peer { address: "10.0.0.1:4711".parse().unwrap(), hops });
        let lines = lines.iter().map(|line| (FORWARDED_FOR, line.parse().unwrap()));
        client_address(&extensions, &lines.collect()).unwrap().to_string()
    }

    #[test]
    fn without_proxies_nothing_is_believed() {
        assert_eq!(client(0, &["203.0.113.7"]), "10.0.0.1");
        assert_eq!(client_address(&Extensions::new(), &HeaderMap::new()), None);
    }

    #[test]
    fn what_the_client_wrote_is_passed_over() {
        assert_eq!(client(1, &["127.0.0.1, 198.51.100.1,203.0.113.7"]), "203.0.113.7");
        assert_eq!(client(2, &["127.0.0.1, 203.0.113.7, 35.191.0.1"]), "203.0.113.7");
        assert_eq!(client(1, &["127.0.0.1", "203.0.113.7"]), "203.0.113.7");
        assert_eq!(client(2, &["127.0.0.1, 203.0.113.7", ", 35.191.0.1,"]), "203.0.113.7");
    }

    #[test]
    fn an_address_has_many_spellings() {
        for entry in ["2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:443"] {
            assert_eq!(client(1, &[entry]), "2001:db8::1");
        }
        for entry in ["203.0.113.7:80", "::ffff:203.0.113.7", " 203.0.113.7\t"] {
            assert_eq!(client(1, &[entry]), "203.0.113.7");
        }
    }

    #[test]
    fn what_is_no_address_is_the_peers() {
        for lines in [&[][..], &[""], &["unknown"], &["203.0.113.7, for=1"], &["ü"], &["[::1"]] {
            assert_eq!(client(1, lines), "10.0.0.1", "{lines:?}");
        }
        assert_eq!(client(2, &["203.0.113.7"]), "10.0.0.1");
    }
}
