//! A build needs only Rust and a C compiler. A crate that runs `configure`, `make` or the like needs more, and such a
//! crate broke the build in a folder whose path has a space.
#![allow(clippy::unwrap_used)]

use std::process::Command;

use serde::Deserialize;

/// The programs of other build systems, as a build script writes them.
const PROGRAMS: [&str; 6] = [
    r#""configure""#,
    r#""make""#,
    r#""gmake""#,
    r#"Command::new("cmake")"#,
    r#"Command::new("meson")"#,
    r#"Command::new("autoreconf")"#,
];
/// The crates that run them for a build script.
const RUNNERS: [&str; 4] = ["autotools", "cmake", "cmake-rs", "meson"];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    source: Option<String>,
    targets: Vec<Target>,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Target {
    kind: Vec<String>,
    src_path: String,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
    optional: bool,
}

fn dependencies() -> Vec<Package> {
    let host = Command::new("rustc").args(["--print", "host-tuple"]).output().unwrap();
    let host = String::from_utf8(host.stdout).unwrap();
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--offline", "--format-version", "1", "--filter-platform", host.trim()])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Metadata = serde_json::from_slice(&output.stdout).unwrap();
    metadata.packages.into_iter().filter(|package| package.source.is_some()).collect()
}

fn program(script: &str) -> Option<&'static str> {
    PROGRAMS.into_iter().find(|program| script.contains(program))
}

#[test]
fn no_dependency_runs_another_build_system() {
    let mut scripts = 0;
    let mut refused = Vec::new();
    for package in dependencies() {
        let mut built = package.dependencies.iter().filter(|one| one.kind.as_deref() == Some("build"));
        if let Some(runner) = built.find(|one| !one.optional && RUNNERS.contains(&one.name.as_str())) {
            refused.push(format!("{} is built with {}", package.name, runner.name));
        }
        for target in package.targets.iter().filter(|target| target.kind == ["custom-build"]) {
            scripts += 1;
            let script = std::fs::read_to_string(&target.src_path).unwrap();
            refused.extend(program(&script).map(|program| format!("{} runs {program}", package.name)));
        }
    }
    assert!(scripts > 20, "only {scripts} build scripts were read");
    assert_eq!(refused, Vec::<String>::new());
}

#[test]
fn a_build_script_that_runs_make_is_seen() {
    assert_eq!(program(r#"let mut cmd = Command::new("make");"#), Some(r#""make""#));
    assert_eq!(program(r#"cc::Build::new().file("make.c").compile("z");"#), None);
}
