//! CPU and memory of processes, read from Linux.

use std::time::Duration;

use crate::Error;
use crate::figure::NotHere;

/// Linux shows a hundred ticks a second to programs, independent of the timer of the kernel.
const TICK: Duration = Duration::from_millis(10);

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Memory {
    /// In mebibytes, as is `most`.
    pub(crate) now: f64,
    pub(crate) most: f64,
}

/// The CPU time of all threads of a process since its start.
pub(crate) fn cpu(pid: u32) -> Result<Duration, Error> {
    ticks(pid, 2)
}

/// The same, with the CPU time of its children that have ended.
pub(crate) fn cpu_with_the_dead(pid: u32) -> Result<Duration, Error> {
    ticks(pid, 4)
}

pub(crate) fn cpu_of_all(pids: &[u32]) -> Result<Duration, Error> {
    pids.iter().map(|pid| cpu(*pid)).sum()
}

pub(crate) fn memory(pid: u32) -> Result<Memory, Error> {
    let found = memory_of(&read(pid, "status")?);
    found.ok_or_else(|| format!("the memory of process {pid} cannot be read").into())
}

fn ticks(pid: u32, fields: usize) -> Result<Duration, Error> {
    let times = cpu_of(&read(pid, "stat")?, fields);
    times.ok_or_else(|| format!("the times of process {pid} cannot be read").into())
}

fn read(pid: u32, file: &str) -> Result<String, Error> {
    if !cfg!(target_os = "linux") {
        return Err(NotHere("this system has no /proc to read CPU and memory from".into()).into());
    }
    let path = format!("/proc/{pid}/{file}");
    std::fs::read_to_string(&path).map_err(|error| format!("{path}: {error}").into())
}

/// Sums the user and system time, and with four fields also those of the children. The name in the second field may
/// hold any character, so the fields are counted from its end.
fn cpu_of(stat: &str, fields: usize) -> Option<Duration> {
    let (_, rest) = stat.rsplit_once(')')?;
    let ticks: Vec<u32> =
        rest.split_whitespace().skip(11).take(fields).map_while(|field| field.parse().ok()).collect();
    (ticks.len() == fields).then(|| TICK * ticks.iter().sum())
}

fn memory_of(status: &str) -> Option<Memory> {
    let of = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        let kibibytes: f64 = line.split_whitespace().next()?.parse().ok()?;
        Some(kibibytes / 1024.0)
    };
    Some(Memory { now: of("VmRSS:")?, most: of("VmHWM:")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_system_time_are_added() {
        let stat = "42 (a (b) c) S 1 42 42 0 -1 4194560 900 0 0 0 150 50 7 7 20 0 4 0 100 1 1";
        assert_eq!(cpu_of(stat, 2), Some(Duration::from_secs(2)));
        assert_eq!(cpu_of(stat, 4), Some(Duration::from_millis(2_140)));
        assert_eq!(cpu_of("42 (a", 2), None);
    }

    #[test]
    fn memory_is_now_and_at_its_most() {
        let status = "Name:\tx\nVmHWM:\t   20480 kB\nVmRSS:\t   10240 kB\n";
        assert_eq!(memory_of(status), Some(Memory { now: 10.0, most: 20.0 }));
        assert_eq!(memory_of("Name:\tx\n"), None);
    }
}
