//! `docs/cost.py` reckons with Terraform's defaults, and what the pages say of money is what it prints.

use std::collections::BTreeSet;
use std::process::Command;

use crate::{commands::is_missing, document, documents, none, root};

#[test]
fn every_amount_is_what_is_computed() {
    if is_missing("python3") {
        return;
    }
    let printed = computed();
    let page = document("docs/cost.md");
    let lines: BTreeSet<_> = page.prose.lines().collect();
    let missing = printed.lines().filter(|line| !line.is_empty() && !lines.contains(line));
    none(missing.map(|line| format!("docs/cost.md does not have what docs/cost.py prints: {line}")));
    let known: BTreeSet<_> = amounts(&printed).collect();
    assert!(known.len() > 40, "{known:?}");
    for document in documents() {
        let unknown = amounts(&document.prose).filter(|amount| !known.contains(amount));
        none(unknown.map(|amount| format!("{}: docs/cost.py does not print {amount}", document.path)));
    }
}

fn computed() -> String {
    let output = Command::new("python3").arg("-B").arg(root().join("docs/cost.py")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Each `$1,234.50`.
fn amounts(text: &str) -> impl Iterator<Item = &str> {
    let after = text.split('$').skip(1).filter(|rest| rest.starts_with(|first: char| first.is_ascii_digit()));
    after.map(|rest| {
        let end = rest.find(|one: char| !one.is_ascii_digit() && !matches!(one, '.' | ','));
        rest[..end.unwrap_or(rest.len())].trim_end_matches(['.', ','])
    })
}

#[test]
fn an_amount_ends_where_its_sentence_does() {
    assert_eq!(amounts("$1,234.50, and $7. Or $PATH").collect::<Vec<_>>(), ["1,234.50", "7"]);
}
