//! `.env.example` keeps up with what the services read.
#![allow(clippy::unwrap_used)]

use std::{collections::BTreeSet, fs::read_to_string, path::Path};

/// What a laptop has no use for, or the host decides alone.
const NOT_THERE: [&str; 13] = [
    "BIGQUERY_EMULATOR_HOST",
    "BIGQUERY_LOCATION",
    "GCP_CREDENTIALS_PATH",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "HOST",
    "IDENTITY",
    "IDENTITY_AUDIENCE",
    "JWKS_URL",
    "K_REVISION",
    "PORT",
    "PUBSUB_EMULATOR_HOST",
    "PUSH_ACCOUNT",
    "SCHEDULER_ACCOUNT",
];

/// The first name in each call of a method of `env`, as in `env.or("MAX_RETRIES", 3)`.
fn read_by(source: &str) -> impl Iterator<Item = String> {
    source.split("env.").skip(1).filter_map(|call| {
        let (method, rest) = call.split_once("(\"")?;
        let is_call = method
            .chars()
            .all(|c| c.is_alphanumeric() || "_:<>".contains(c));
        is_call.then(|| rest.split('"').next().map(str::to_owned))?
    })
}

#[test]
fn every_variable_that_a_service_reads_is_in_the_example() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let services = root.join("functions").read_dir().unwrap();
    let read: BTreeSet<String> = services
        .filter_map(|service| read_to_string(service.unwrap().path().join("src/config.rs")).ok())
        .flat_map(|source| read_by(&source).collect::<Vec<_>>())
        .collect();
    let example = read_to_string(root.join(".env.example")).unwrap();
    let listed: BTreeSet<&str> = example
        .lines()
        .filter_map(|line| line.trim_start_matches("# ").split_once('='))
        .map(|(name, _)| name)
        .collect();
    let missing: Vec<&String> = read
        .iter()
        .filter(|name| !listed.contains(name.as_str()) && !NOT_THERE.contains(&name.as_str()))
        .collect();
    assert!(missing.is_empty(), "not in .env.example: {missing:?}");
}

#[test]
fn a_call_is_told_from_other_text() {
    let source =
        "env.or(\"A\", 1); env.optional::<String>(\"B\"); std::env.x (\"C\"); env.x.y(\"D\")";
    assert_eq!(read_by(source).collect::<Vec<_>>(), ["A", "B"]);
}
