//! Which ports of this machine are free, and who holds the others.

mod holder;

pub use holder::holder;

use std::net::{Ipv4Addr, Ipv6Addr, TcpListener, TcpStream};

use rand::Rng;

use crate::Error;

/// Below the ranges that operating systems take outgoing connections from, so that none of these
/// is taken between being found free and being bound.
const RANDOM: std::ops::Range<u16> = 20_000..32_000;

/// `N` ports that nobody listens on.
pub fn free<const N: usize>() -> Result<[u16; N], Error> {
    let mut random = rand::rng();
    let mut held = Vec::new();
    let mut free = [0; N];
    for slot in &mut free {
        let mut tries = (0..100).map(|_| random.random_range(RANDOM));
        let found = tries.find_map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok());
        let listener = found.ok_or("no port is free")?;
        *slot = listener.local_addr()?.port();
        // Held until all are found, so that none is found twice.
        held.push(listener);
    }
    Ok(free)
}

/// Also where somebody listens on the other loopback address, which `localhost` may mean.
pub fn is_taken(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_err()
        || TcpStream::connect((Ipv6Addr::LOCALHOST, port)).is_ok()
}
