use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

/// Makes a folder of its own for a tool, with the files of its source in it.
pub(crate) fn folder(name: &str) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/contract").join(name);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("contract").join(name);
    fs::create_dir_all(&folder).unwrap();
    for file in fs::read_dir(source).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), folder.join(file.file_name())).unwrap();
    }
    folder
}

/// Returns the output of the command, or the reason why it failed.
pub(crate) async fn output(command: &mut Command, folder: &Path) -> Result<String, String> {
    let output = command.current_dir(folder).stdin(Stdio::null()).output().await;
    let output = output.map_err(|error| format!("{command:?}: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        return Ok(text(&output.stdout));
    }
    Err(format!("{command:?}: {}\n{}{}", output.status, text(&output.stdout), text(&output.stderr)))
}
