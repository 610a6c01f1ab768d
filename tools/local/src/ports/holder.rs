use std::{collections::BTreeSet, fs, path::Path, process::Command};

/// Returns the process that listens on a port, as `pid 123 (node)`, if this system shows it.
pub fn holder(port: u16) -> Option<String> {
    let pid = from_proc(port).or_else(|| from_lsof(port))?;
    let args = ["-o", "comm=", "-p", &pid];
    let output = Command::new("ps").args(args).output();
    let name = output.ok().and_then(|output| String::from_utf8(output.stdout).ok());
    match name.as_deref().map(str::trim) {
        Some(name) if !name.is_empty() => Some(format!("pid {pid} ({name})")),
        _ => Some(format!("pid {pid}")),
    }
}

fn from_proc(port: u16) -> Option<String> {
    let sockets: BTreeSet<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|path| fs::read_to_string(path).ok())
        .flat_map(|table| listening(&table, port))
        .map(|inode| format!("socket:[{inode}]"))
        .collect();
    if sockets.is_empty() {
        return None;
    }
    let processes = fs::read_dir("/proc").ok()?.flatten();
    processes
        .filter(|entry| has_one(&entry.path().join("fd"), &sockets))
        .filter_map(|entry| entry.file_name().into_string().ok())
        // The folder also has entries that are no processes, such as `self`.
        .find(|name| name.parse::<u32>().is_ok())
}

/// Returns the inodes of the sockets that listen on a port, from the kernel's table of sockets.
fn listening(table: &str, port: u16) -> Vec<String> {
    const LISTEN: &str = "0A";
    let suffix = format!(":{port:04X}");
    let lines = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    lines
        .filter(|fields| fields.len() > 9 && fields[1].ends_with(&suffix) && fields[3] == LISTEN)
        .map(|fields| fields[9].to_owned())
        .collect()
}

fn has_one(descriptors: &Path, sockets: &BTreeSet<String>) -> bool {
    let links = fs::read_dir(descriptors).into_iter().flatten().flatten();
    links
        .filter_map(|entry| fs::read_link(entry.path()).ok())
        .any(|link| link.to_str().is_some_and(|link| sockets.contains(link)))
}

fn from_lsof(port: u16) -> Option<String> {
    let port = format!("-iTCP:{port}");
    let args = ["-nP", &port, "-sTCP:LISTEN", "-t"];
    let output = Command::new("lsof").args(args).output().ok()?;
    let pids = String::from_utf8(output.stdout).ok()?;
    pids.lines().next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_listener_of_our_own_is_found() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let found = holder(port).unwrap();
        let pid = format!("pid {} (", std::process::id());
        assert!(found.starts_with(&pid), "{found}");
    }
}
