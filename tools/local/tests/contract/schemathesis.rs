//! Thousands of good and bad requests that schemathesis generates from the documents.

use std::path::{Path, PathBuf};

use local::stack::Part;
use tokio::process::Command;

use crate::system::System;
use crate::tool::{folder, output};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it takes Python and minutes: make contract"]
async fn nothing_is_answered_that_is_not_in_the_documents() {
    let folder = folder("schemathesis");
    let program = match install(&folder).await {
        Ok(program) => program,
        Err(why) => return println!("NOT RUN, schemathesis is not here: {why}"),
    };
    let system = System::start().await;
    let mut faults = Vec::new();
    for (part, opener) in [
        (Part::Ingest, format!("X-API-Key: {}", system.key)),
        (Part::Admin, format!("Authorization: Bearer {}", system.token)),
    ] {
        let document = format!("{}/openapi.json", system.stack.url(part));
        let mut command = Command::new(&program);
        command
            .args(["run", &document, "--checks", "all", "--header", &opener])
            .env("SCHEMATHESIS_HOOKS", "hooks");
        match output(&mut command, &folder).await {
            Ok(told) => println!("{part}: {}", summary(&told)),
            Err(why) => faults.push(why.replace(&system.key, "…").replace(&system.token, "…")),
        }
    }
    system.stack.stop().await.unwrap();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn summary(told: &str) -> &str {
    told.rfind("SUMMARY").map_or(told, |at| &told[at..])
}

/// Installs from the registry the first time.
async fn install(folder: &Path) -> Result<PathBuf, String> {
    let program = folder.join("venv/bin/schemathesis");
    let version = output(Command::new(&program).arg("--version"), folder).await;
    if version.is_err() {
        output(Command::new("python3").args(["-m", "venv", "venv"]), folder).await?;
        let arguments = ["install", "--quiet", "--requirement", "requirements.txt"];
        output(Command::new(folder.join("venv/bin/pip")).args(arguments), folder).await?;
    }
    Ok(program)
}
