//! Checks the dependencies between crates, as their `Cargo.toml` files state them. A forbidden dependency would
//! otherwise go unnoticed.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde::Deserialize;

#[derive(Deserialize)]
struct Workspace {
    packages: Vec<Crate>,
}

#[derive(Deserialize)]
struct Crate {
    name: String,
    manifest_path: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    /// None for a normal dependency.
    kind: Option<String>,
}

/// The folder of a crate, its dependencies, and the dependencies of its tests.
struct Imports {
    folder: String,
    built: Vec<String>,
    tested: Vec<String>,
}

fn workspace() -> BTreeMap<String, Imports> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let workspace: Workspace = serde_json::from_slice(&output.stdout).unwrap();
    workspace.packages.into_iter().map(|one| (one.name.clone(), imports(one))).collect()
}

fn imports(one: Crate) -> Imports {
    let folder = Path::new(&one.manifest_path).ancestors().nth(2).and_then(Path::file_name);
    let (tested, built): (Vec<_>, Vec<_>) =
        one.dependencies.into_iter().partition(|import| import.kind.as_deref() == Some("dev"));
    let names = |imports: Vec<Dependency>| imports.into_iter().map(|import| import.name).collect();
    Imports {
        folder: folder.unwrap().to_str().unwrap().to_owned(),
        built: names(built),
        tested: names(tested),
    }
}

/// Tells whether `importer`, in this folder, may depend on `wanted`. A dependency without a rule is allowed.
fn may(importer: &str, folder: &str, wanted: &str, workspace: &BTreeMap<String, Imports>) -> bool {
    let of = workspace.get(wanted).map(|one| one.folder.as_str());
    match (folder, of) {
        ("tools", _) => true,
        (_, Some("tools" | "functions")) => false,
        ("shared", Some("shared")) => match importer {
            "store" | "gcp" => wanted == "event",
            "door" => matches!(wanted, "gcp" | "service"),
            _ => false,
        },
        (_, None) if wanted == "sqlx" => importer == "store",
        // `service` compares the answers of tests with its OpenAPI document.
        (_, None) if wanted.starts_with("jsonschema") => matches!(importer, "schema" | "service"),
        (_, None) if wanted.starts_with("google-cloud-") || wanted == "gcp-bigquery-client" => {
            importer == "gcp"
        }
        _ => true,
    }
}

#[test]
fn no_crate_imports_what_it_may_not_know() {
    let workspace = workspace();
    assert!(workspace.len() >= 9, "every member is seen");
    for (name, one) in &workspace {
        for imported in &one.built {
            assert!(may(name, &one.folder, imported, &workspace), "{name} may not import {imported}");
        }
    }
}

/// A test may import more than its crate, but not a tool, because the tools build on everything else.
#[test]
fn nothing_is_tested_with_a_tool() {
    let workspace = workspace();
    for (name, one) in &workspace {
        for imported in one.tested.iter().filter(|imported| *imported != name) {
            let of = workspace.get(imported).map(|one| one.folder.as_str());
            let is_tool = of == Some("tools") && one.folder != "tools";
            assert!(!is_tool, "{name} may not be tested with {imported}");
        }
    }
}

#[test]
fn the_rules_can_be_broken() {
    let workspace = workspace();
    for (importer, folder, imported) in [
        ("event", "shared", "store"),
        ("service", "shared", "event"),
        ("store", "shared", "service"),
        ("gcp", "shared", "store"),
        ("door", "shared", "store"),
        ("service", "shared", "door"),
        ("store", "shared", "ingest"),
        ("ingest", "functions", "admin"),
        ("admin", "functions", "local"),
        ("gcp", "shared", "local"),
        ("ingest", "functions", "sqlx"),
        ("gcp", "shared", "sqlx"),
        ("schema", "shared", "event"),
        ("ingest", "functions", "jsonschema"),
        ("admin", "functions", "google-cloud-pubsub"),
        ("bq-flush", "functions", "gcp-bigquery-client"),
    ] {
        assert!(!may(importer, folder, imported, &workspace), "{importer} might import {imported}");
    }
}
