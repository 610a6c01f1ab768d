//! A minute of everything that `make chaos` does.
#![allow(clippy::unwrap_used)]

use std::process::Command;

/// The load is low, so that a slow machine recovers in time too.
#[test]
fn the_books_balance_after_a_minute_of_chaos() {
    let output = Command::new(env!("CARGO_BIN_EXE_chaos"))
        .args(["run", "--minutes", "1", "--rate", "30", "--killers", "0"])
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(told.contains("The books balance."), "{told}");
}
