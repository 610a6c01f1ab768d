//! Tries the kept inputs of the fuzzer again.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use fuzz::PROPERTIES;

#[test]
fn every_property_holds_of_its_corpus() {
    let broken = PROPERTIES.into_iter().flat_map(|(name, property)| {
        let inputs = inside(&format!("corpus/{name}"));
        inputs.into_iter().filter(move |path| {
            let bytes = fs::read(path).unwrap();
            catch_unwind(|| property(&bytes)).is_err()
        })
    });
    let broken: Vec<_> = broken.collect();
    assert!(broken.is_empty(), "the panics above tell the reasons: {broken:?}");
}

#[test]
fn every_property_has_a_corpus_and_is_fuzzed() {
    let names: BTreeSet<_> = PROPERTIES.iter().map(|(name, _)| (*name).to_owned()).collect();
    let stems = |folder| {
        inside(folder).iter().map(|path| path.file_stem().unwrap().to_str().unwrap().into()).collect()
    };
    assert_eq!(names, stems("corpus"));
    assert_eq!(names, stems("fuzz_targets"));

    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    for name in &names {
        assert!(inside(&format!("corpus/{name}")).len() > 3, "{name}");
        let target = fs::read_to_string(root().join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(target.contains(&format!("fuzz::{name}(bytes)")), "{target}");
        assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")), "{name}");
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn inside(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(folder)).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}
