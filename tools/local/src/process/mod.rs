//! Processes that this one starts: each in a group of its own, so that the terminal's Ctrl-C
//! reaches the host alone, and each known to a guard, so that none outlives it.

mod child;
mod guard;
mod life;
mod log;
mod program;
mod supervisor;

pub use child::{Child, Signal, ending};
pub use guard::{Guard, stand_guard};
pub use program::Program;
pub use supervisor::{Line, Supervised, Supervisor, Tell};

use std::path::PathBuf;

use crate::Error;

/// The folder of this project's binaries: this executable's own, or for a test, which cargo puts
/// into `deps`, the one above.
pub fn binaries() -> Result<PathBuf, Error> {
    let exe = std::env::current_exe()?;
    let folder = exe.parent().ok_or("this executable is in no folder")?;
    Ok(if folder.ends_with("deps") {
        folder.parent().unwrap_or(folder).to_owned()
    } else {
        folder.to_owned()
    })
}
