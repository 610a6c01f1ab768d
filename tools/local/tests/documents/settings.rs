//! Checks the table of settings and `.env.example` against the code.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use crate::{document, none, root};

const SERVICES: [&str; 4] = ["ingest", "process-push", "admin", "bq-flush"];

/// The variables that the host sets itself, so that its parts find each other and none of them finds a real cloud.
const SET_BY_THE_HOST: [&str; 14] = [
    "BIGQUERY_EMULATOR_HOST",
    "GCP_CREDENTIALS_PATH",
    "GCP_PROJECT_ID",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "HOST",
    "IAP_JWKS_URL",
    "IDENTITY",
    "IDENTITY_AUDIENCE",
    "JWKS_URL",
    "K_REVISION",
    "PORT",
    "PUBSUB_EMULATOR_HOST",
    "PUSH_ACCOUNT",
    "SCHEDULER_ACCOUNT",
];

/// Names, each with its default if the code has a plain number.
type Variables = BTreeMap<String, Option<u64>>;

#[test]
fn the_page_says_which_service_reads_what() {
    let page = document("docs/settings.md");
    let mut told: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for row in page.table("| variable |") {
        let by = if row[3] == "all" { SERVICES.to_vec() } else { row[3].split(", ").collect() };
        for name in names(row[0]) {
            told.insert(name, by.iter().copied().collect());
        }
    }
    let read = SERVICES.map(|service| (service, read_by(service)));
    let mut found: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (service, variables) in &read {
        for name in variables.keys() {
            found.entry(name).or_default().insert(service);
        }
    }
    let all: BTreeSet<_> = told.keys().chain(found.keys()).collect();
    let different = all.into_iter().filter(|name| told.get(*name) != found.get(*name));
    none(different.map(|name| {
        let (told, found) = (told.get(name), found.get(name));
        format!("{name}: docs/settings.md says {told:?}, the code {found:?}")
    }));
}

#[test]
fn the_page_has_the_defaults() {
    let page = document("docs/settings.md");
    let read: Variables = SERVICES.iter().flat_map(|service| read_by(service)).collect();
    let mut compared = 0;
    for row in page.table("| variable |") {
        for (name, told) in names(row[0]).zip(row[1].split(", ")) {
            if let Some(number) = read[name] {
                assert_eq!(told, number.to_string(), "{name}");
                compared += 1;
            }
        }
    }
    assert!(compared > 10, "{compared}");
}

#[test]
fn the_example_file_has_everything_that_can_be_set() {
    let file = fs::read_to_string(root().join(".env.example")).unwrap();
    let lines = file.lines().filter_map(|line| line.split_once('='));
    let names = lines.map(|(name, _)| name.trim_start_matches("# "));
    let listed: BTreeSet<_> = names.filter(|name| name.chars().all(is_of_a_name)).collect();
    let services: Variables = SERVICES.iter().flat_map(|service| read_by(service)).collect();
    let host = ["ports", "settings", "stand_in", "start"].map(|file| {
        let path = format!("tools/local/src/stack/{file}.rs");
        let text = fs::read_to_string(root().join(path)).unwrap();
        text.lines().flat_map(literals).collect::<Vec<_>>()
    });
    let names = services.keys().cloned().chain(host.into_iter().flatten());
    let wanted: BTreeSet<_> = names.filter(|name| !SET_BY_THE_HOST.contains(&&**name)).collect();
    let missing = wanted.iter().filter(|name| !listed.contains(name.as_str()));
    let unknown = listed.iter().filter(|name| !wanted.contains(**name));
    none(
        missing
            .map(|name| format!("{name} is missing"))
            .chain(unknown.map(|name| format!("{name} is not read"))),
    );
}

fn names(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// The variables that a service reads itself or through the crates that every service uses.
fn read_by(service: &str) -> Variables {
    let mut variables = Variables::new();
    let folders = [&format!("functions/{service}/src"), "shared/door/src", "shared/service/src"];
    for folder in folders {
        sources(&root().join(folder), &mut |text| {
            let reads = text.lines().filter(|line| line.contains("env.") || line.contains("(env, "));
            for line in reads {
                let names = literals(line);
                let alone = names.len() == 1;
                let default = number(line).filter(|_| alone);
                variables.extend(names.into_iter().map(|name| (name, default)));
            }
        });
    }
    variables
}

/// The strings that could be the name of a variable.
fn literals(text: &str) -> Vec<String> {
    let strings = text.split('"').skip(1).step_by(2);
    let is_name = |text: &&str| {
        text.len() > 3
            && text.starts_with(|first: char| first.is_ascii_uppercase())
            && text.chars().all(is_of_a_name)
    };
    strings.filter(is_name).map(str::to_owned).collect()
}

fn is_of_a_name(character: char) -> bool {
    character.is_ascii_uppercase() || character.is_ascii_digit() || character == '_'
}

/// The default in `env.or("NAME", 1_000)`.
fn number(line: &str) -> Option<u64> {
    let (_, default) = line.split_once("\", ")?;
    let (default, _) = default.split_once(')')?;
    default.trim_end_matches("_usize").replace('_', "").parse().ok()
}

/// Skips the reader of variables, and the tests, which read variables that no user sets.
fn sources(folder: &Path, see: &mut impl FnMut(&str)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap();
        if path.is_dir() {
            sources(&path, see);
        } else if name != "env.rs" && name != "tests.rs" {
            see(&fs::read_to_string(&path).unwrap());
        }
    }
}
