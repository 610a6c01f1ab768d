//! The free ports of this machine, and the processes that hold the others.

mod holder;

pub use holder::holder;

use std::net::{Ipv4Addr, Ipv6Addr, TcpListener, TcpStream};

use rand::Rng;

use crate::Error;

/// These ports lie below the ranges that operating systems use for outgoing connections, so no connection takes one
/// of them between its selection and its binding.
const RANDOM: std::ops::Range<u16> = 20_000..32_000;

/// Returns `N` ports without a listener.
pub fn free<const N: usize>() -> Result<[u16; N], Error> {
    let mut random = rand::rng();
    let mut held = Vec::new();
    let mut free = [0; N];
    for slot in &mut free {
        let mut tries = (0..100).map(|_| random.random_range(RANDOM));
        let found = tries.find_map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok());
        let listener = found.ok_or("no port is free")?;
        *slot = listener.local_addr()?.port();
        // The listeners are held until all ports are found, so that no port is found twice.
        held.push(listener);
    }
    Ok(free)
}

/// A port is also taken if a process listens on the other loopback address, which `localhost` may mean.
pub fn is_taken(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_err()
        || TcpStream::connect((Ipv6Addr::LOCALHOST, port)).is_ok()
}
