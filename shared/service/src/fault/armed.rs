use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::path::PathBuf;
use std::sync::OnceLock;

static ODDS: OnceLock<HashMap<String, f64>> = OnceLock::new();
static WHILE: OnceLock<Option<PathBuf>> = OnceLock::new();

/// Kills the process with the odds that `FAULT_POINTS` sets for this point.
pub fn point(name: &str) {
    let odds = ODDS.get_or_init(|| parse(&std::env::var("FAULT_POINTS").unwrap_or_default()));
    if odds.get(name).is_some_and(|odds| fraction() < *odds) && are_in_force() {
        die(name);
    }
}

fn are_in_force() -> bool {
    let file = WHILE.get_or_init(|| std::env::var_os("FAULT_POINTS_WHILE").map(PathBuf::from));
    file.as_ref().is_none_or(|file| file.exists())
}

/// Kills the process like SIGKILL: no buffer is flushed and no destructor runs.
pub fn die(name: &str) -> ! {
    eprintln!("fault point {name}: this process kills itself");
    let _ = signal_hook::low_level::raise(signal_hook::consts::SIGKILL);
    std::process::abort();
}

fn parse(text: &str) -> HashMap<String, f64> {
    let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
    pairs.filter_map(|(name, odds)| Some((name.to_owned(), odds.parse().ok()?))).collect()
}

/// A random number from 0 to 1, from the keys with which the standard library seeds its maps.
#[allow(clippy::cast_precision_loss)]
fn fraction() -> f64 {
    RandomState::new().hash_one(()) as f64 / u64::MAX as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odds_are_read_by_name_and_what_is_none_is_passed_over() {
        let odds = parse("a=0.5,b,c=x,d=1");
        assert_eq!(odds.len(), 2);
        assert!((odds["a"] - 0.5).abs() < f64::EPSILON && (odds["d"] - 1.0).abs() < f64::EPSILON);
    }

    #[test]
    fn fractions_are_spread() {
        let below = (0..1000).filter(|_| fraction() < 0.5).count();
        assert!((350..650).contains(&below), "{below} of 1000");
    }
}
