//! `make smoke` against the system on this machine, with open endpoints, with API keys and with tokens.
#![allow(clippy::unwrap_used)]

use local::stack::{Options, Part, Stack};
use tokio::process::Command;

const SMOKE: &str = "smoke@eventflow-local.iam.gserviceaccount.com";

/// A deployment may have handlers of its own only.
const NO_DEMO: (&str, &str) = ("DEMO_HANDLERS", "false");

/// Returns whether all checks passed, and the output.
async fn smoke(stack: &Stack) -> (bool, String) {
    let program = std::env::current_exe().unwrap();
    let folder = program.ancestors().nth(2).unwrap();
    let mut command = Command::new(folder.join("smoke"));
    for (name, part) in [
        ("INGEST_PORT", Part::Ingest),
        ("PROCESS_PUSH_PORT", Part::ProcessPush),
        ("ADMIN_PORT", Part::Admin),
        ("BQ_FLUSH_PORT", Part::BqFlush),
        ("OIDC_PORT", Part::Oidc),
        ("BIGQUERY_PORT", Part::Bigquery),
    ] {
        command.env(name, stack.settings().ports.of(part).to_string());
    }
    let output = command.output().await.unwrap();
    (output.status.success(), String::from_utf8(output.stdout).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn with_open_doors() {
    let stack = Stack::start(Options::for_test(&[]).unwrap()).await.unwrap();
    let (is_well, told) = smoke(&stack).await;
    assert!(is_well && told.contains("admin is open on this laptop"), "{told}");
    stack.take_away(Part::Admin).await.unwrap();
    let (is_well, told) = smoke(&stack).await;
    assert!(!is_well && told.contains("FAILED  admin refuses a stranger"), "{told}");
    stack.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn with_keys() {
    let doors = [NO_DEMO, ("INGEST_AUTH", "keys"), ("ADMIN_AUTH", "google"), ("ADMIN_OWNERS", SMOKE)];
    let stack = Stack::start(Options::for_test(&doors).unwrap()).await.unwrap();
    let (is_well, told) = smoke(&stack).await;
    assert!(is_well, "{told}");
    assert!(told.contains("an API key is made") && told.contains("the key is revoked"), "{told}");
    stack.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn with_tokens() {
    let identities = [
        NO_DEMO,
        ("INGEST_AUTH", "iam"),
        ("INGEST_ACCOUNTS", SMOKE),
        ("ADMIN_AUTH", "google"),
        ("ADMIN_ACCOUNTS", SMOKE),
    ];
    let stack = Stack::start(Options::for_test(&identities).unwrap()).await.unwrap();
    let (is_well, told) = smoke(&stack).await;
    assert!(is_well && told.contains("admin refuses a stranger"), "{told}");
    stack.stop().await.unwrap();
}
