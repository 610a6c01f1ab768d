//! `local run`, up to the point at which it starts anything.
#![allow(clippy::unwrap_used)]

use std::{
    net::TcpListener,
    path::Path,
    process::{Command, Output},
};

fn run(folder: &Path, set: &[(&str, &str)]) -> (Output, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_local"))
        .arg("run")
        .current_dir(folder)
        .env_remove("DATABASE_URL")
        .envs(set.iter().copied())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    (output, told)
}

#[test]
fn every_port_that_is_taken_is_named_with_who_took_it() {
    let folder = tempfile::tempdir().unwrap();
    let [first, second] = [0, 0].map(|port| TcpListener::bind(("127.0.0.1", port)).unwrap());
    let port = |listener: &TcpListener| listener.local_addr().unwrap().port().to_string();
    let set = [("INGEST_PORT", &*port(&first)), ("OIDC_PORT", &*port(&second))];
    let (output, told) = run(folder.path(), &set);
    assert_eq!(output.status.code(), Some(1));
    for (name, port) in set {
        let line = told.lines().find(|line| line.contains(name));
        let line = line.unwrap_or_else(|| panic!("{name} is missing in\n{told}"));
        assert!(line.contains(port), "{line}");
        assert!(line.contains(&std::process::id().to_string()), "{line}");
    }
}

#[test]
fn the_env_file_is_read_and_the_environment_wins() {
    let folder = tempfile::tempdir().unwrap();
    let file = "INGEST_PORT=from-the-file\nADMIN_PORT=from-the-file\n";
    std::fs::write(folder.path().join(".env"), file).unwrap();
    let (output, told) = run(folder.path(), &[("ADMIN_PORT", "8082")]);
    assert_eq!(output.status.code(), Some(1));
    assert!(told.contains("INGEST_PORT") && !told.contains("ADMIN_PORT"), "{told}");
}
