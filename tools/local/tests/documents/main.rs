//! Checks the documents against a running system and against the code.
#![allow(clippy::unwrap_used)]

mod commands;
mod cost;
mod markdown;
mod places;
mod script;
mod settings;
mod shape;
mod style;
mod table;

use std::path::{Path, PathBuf};

use markdown::Document;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn document(path: &str) -> Document {
    let text = std::fs::read_to_string(root().join(path)).unwrap();
    Document::read(path, &text)
}

/// The documents at the root, and all of `docs`.
fn documents() -> Vec<Document> {
    let docs = std::fs::read_dir(root().join("docs")).unwrap();
    let names = docs.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let pages = names.filter(|name| Path::new(name).extension().is_some_and(|end| end == "md"));
    let mut paths: Vec<_> = pages.map(|name| format!("docs/{name}")).collect();
    paths.extend(["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"].map(String::from));
    paths.sort();
    paths.iter().map(|path| document(path)).collect()
}

/// Reports all mistakes at once, so that a document can be corrected in one pass.
fn none(mistakes: impl IntoIterator<Item = String>) {
    let mistakes: Vec<_> = mistakes.into_iter().collect();
    assert!(mistakes.is_empty(), "\n{}", mistakes.join("\n"));
}
