//! Processes that this process starts. Each runs in a group of its own, so that the terminal's Ctrl-C reaches only
//! the host. A guard knows each of them, so that none outlives the host.

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

/// Returns the folder of this project's binaries. It is the folder of this executable. For a test, which cargo puts
/// into `deps`, it is the folder above.
pub fn binaries() -> Result<PathBuf, Error> {
    let exe = std::env::current_exe()?;
    let folder = exe.parent().ok_or("this executable is in no folder")?;
    Ok(if folder.ends_with("deps") {
        folder.parent().unwrap_or(folder).to_owned()
    } else {
        folder.to_owned()
    })
}
