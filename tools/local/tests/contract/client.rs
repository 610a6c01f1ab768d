//! A client that openapi-typescript generates from ingest's document.

use std::fs;
use std::path::Path;

use local::stack::Part;
use serde_json::Value;
use tokio::process::Command;

use crate::system::System;
use crate::tool::{folder, output};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it takes npm: make contract"]
async fn a_generated_client_type_checks_and_posts() {
    let folder = folder("client");
    if let Err(why) = install(&folder).await {
        return println!("NOT RUN, no client is generated here: {why}");
    }
    let system = System::start().await;
    fs::write(folder.join("ingest.json"), system.document(Part::Ingest).await).unwrap();
    let run = async |program: &str, arguments: &[&str]| {
        let program = folder.join("node_modules/.bin").join(program);
        output(Command::new(program).args(arguments), &folder).await.unwrap_or_else(|why| panic!("{why}"))
    };
    run("openapi-typescript", &["ingest.json", "--output", "ingest.d.ts"]).await;
    run("tsc", &[]).await;
    let url = system.stack.url(Part::Ingest);
    let sent = output(Command::new("node").args(["out/send.js", &url, &system.key]), &folder).await.unwrap();
    let sent: Value = serde_json::from_str(&sent).unwrap();
    system.stack.stop().await.unwrap();
    assert!(sent["id"].is_string(), "{sent}");
    assert_eq!(sent["accepted"], 1);
    assert_eq!((&sent["first"]["status"], &sent["second"]["status"]), (&201.into(), &400.into()));
    assert_eq!(sent["second"]["problem"]["field"], "eventType");
    assert_eq!(sent["refused"], "eventType");
}

/// Installs from the registry the first time.
async fn install(folder: &Path) -> Result<(), String> {
    output(Command::new("node").arg("--version"), folder).await?;
    // npm writes this file when it is done.
    let installed = fs::read_to_string(folder.join("node_modules/.package-lock.json")).unwrap_or_default();
    if !installed.contains("node_modules/openapi-typescript\"") {
        let arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
        output(Command::new("npm").args(arguments), folder).await?;
    }
    Ok(())
}
