use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{document, documents, none, root};

#[test]
fn every_link_leads_somewhere() {
    let root = root();
    let broken = documents().into_iter().flat_map(|document| {
        let path = root.join(&document.path);
        let folder = path.parent().unwrap();
        let links = document.links().filter(|link| !folder.join(link).exists());
        let told: Vec<_> = links.map(|link| format!("{}: {link}", document.path)).collect();
        told
    });
    none(broken);
}

#[test]
fn every_path_is_in_the_tree() {
    let tree = tree();
    let gone = documents().into_iter().flat_map(|document| {
        let code = document.inline_code().filter(|code| is_path(code));
        let gone = code.filter(|path| !tree.iter().any(|here| is_at(here, path)));
        let told: Vec<_> = gone.map(|path| format!("{}: {path}", document.path)).collect();
        told
    });
    none(gone);
}

#[test]
fn the_readme_has_every_folder() {
    let readme = document("README.md");
    let map = readme.table("| folder |");
    let map: Vec<_> = map.iter().map(|row| row[0].trim_matches('`')).collect();
    let members = ["functions", "shared", "tools"];
    let folders = members.iter().flat_map(|folder| inside(&root().join(folder)));
    let missing = folders
        .filter(|folder| folder.join("Cargo.toml").exists())
        .map(|folder| folder.strip_prefix(root()).unwrap().display().to_string())
        .filter(|folder| !map.contains(&folder.as_str()));
    none(missing);
}

/// Tells whether the code is a path from the root, or a name within the folder that the sentence is about.
fn is_path(code: &str) -> bool {
    let first = code.split('/').next().unwrap_or_default();
    let from_the_root = code.contains('/') && !first.is_empty() && root().join(first).exists();
    let within = [".rs", ".toml", "/"].iter().any(|end| code.ends_with(end));
    (from_the_root || within) && !code.contains([' ', ':']) && !code.starts_with('/')
}

/// Tells whether the path `here` ends in the parts of `path`, in which `*` matches any name.
fn is_at(here: &Path, path: &str) -> bool {
    let path = Path::new(path);
    let mut steps = here.iter().rev();
    path.iter().rev().all(|step| steps.next().is_some_and(|here| step == "*" || step == here))
}

/// Every file and folder of the project.
pub(crate) fn tree() -> Vec<PathBuf> {
    let mut all = inside(&root());
    let mut next = 0;
    while let Some(path) = all.get(next) {
        if path.is_dir() {
            let inner = inside(path);
            all.extend(inner);
        }
        next += 1;
    }
    all
}

/// Lists a folder without build output and data of runs.
fn inside(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let entries = entries.map(|entry| entry.unwrap().path());
    let is_ours = |path: &PathBuf| ![".git", ".local", "target"].iter().any(|name| path.ends_with(name));
    entries.filter(is_ours).collect()
}
