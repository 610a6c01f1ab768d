//! Code in ```` ```bash ```` is run, and ```` ```json ```` behind it shows the answer of its last `curl`. Code in
//! ```` ```sh ```` is only parsed, because it does not end, takes long or needs an account.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use local::stack::{Options, Stack};
use serde_json::Value;

use crate::{
    documents,
    markdown::{Document, Fence},
    none, root,
    script::{self, Call},
    shape,
};

#[tokio::test(flavor = "multi_thread")]
async fn every_command_does_what_is_said() {
    if is_missing("bash") || is_missing("curl") {
        return;
    }
    let stack = Stack::start(Options::for_test(&[]).unwrap()).await.unwrap();
    let mut mistakes = Vec::new();
    for document in documents() {
        let (ended, calls) = script::run(&document, &stack).await;
        let unended = ended.err();
        mistakes.extend(unended.map(|why| format!("{}: {why}", document.path)));
        mistakes.extend(answers(&document, &calls));
    }
    stack.stop().await.unwrap();
    none(mistakes);
}

/// The answers that differ from the document.
fn answers(document: &Document, calls: &[Call]) -> Vec<String> {
    let mut mistakes = Vec::new();
    let next = document.fences.iter().skip(1).map(Some).chain([None]);
    for (fence, next) in document.fences.iter().zip(next) {
        if fence.language != "bash" {
            continue;
        }
        let shown = next
            .filter(|next| next.language == "json")
            .map(|next| serde_json::from_str::<Value>(&next.text).unwrap());
        let here: Vec<_> = calls.iter().filter(|call| call.fence == fence.line).collect();
        let mut tell = |why| mistakes.push(format!("{}:{}: {why}", document.path, fence.line));
        // Only one unexpected status is reported, because a command that waits repeats its request.
        let mut calls = here.iter();
        if let Some(call) = calls.find(|call| !expects(fence, shown.as_ref(), call.status)) {
            tell(format!("{} {}: {}", call.status, call.url, call.answer));
        }
        if let Some(difference) = shown.and_then(|shown| last(&here, &shown)) {
            tell(difference);
        }
    }
    mistakes
}

fn last(calls: &[&Call], shown: &Value) -> Option<String> {
    let Some(call) = calls.last() else {
        return Some("an answer is shown, and none came".into());
    };
    match serde_json::from_str(&call.answer) {
        Ok(found) => shape::difference(shown, &found),
        Err(error) => Some(format!("{error}: {}", call.answer)),
    }
}

/// The expected status is that of the shown problem, or else a success. A comment in the fence may name another one.
fn expects(fence: &Fence, shown: Option<&Value>, status: u16) -> bool {
    let problem = shown.and_then(|shown| shown.get("status")?.as_u64());
    let expected = match problem {
        Some(problem) => u64::from(status) == problem,
        None => (200..300).contains(&status),
    };
    expected || is_commented(&fence.text, status)
}

fn is_commented(text: &str, status: u16) -> bool {
    let comments = text.lines().filter_map(|line| line.split_once("# "));
    let mut words = comments.flat_map(|(_, comment)| comment.split(' '));
    (400..500).contains(&status) && words.any(|word| word == status.to_string())
}

#[test]
fn an_error_that_nobody_speaks_of_is_a_mistake() {
    let text = "```bash\ncurl a # 404 at first\n```\n\n```json\n{\"a\":1}\n```\n\n```bash\ncurl b\n```\n";
    let document = Document::read("a.md", text);
    let told = |fence, status, answer: &str| {
        let (url, answer) = ("u".to_owned(), answer.to_owned());
        answers(&document, &[Call { fence, status, url, answer }]).len()
    };
    assert_eq!(told(1, 200, r#"{"a":2}"#), 0);
    assert_eq!(told(1, 404, r#"{"a":2}"#), 0);
    assert_eq!(told(1, 200, r#"{"b":2}"#), 1);
    assert_eq!(told(1, 500, r#"{"a":2}"#), 1);
    assert_eq!(told(9, 404, ""), 2, "and the first fence has no answer");
}

#[test]
fn what_is_not_run_can_be_read_by_a_shell() {
    if is_missing("bash") {
        return;
    }
    for document in documents() {
        for fence in document.fences_in("sh") {
            let mut shell = Command::new("bash");
            let mut shell = shell.arg("-n").stdin(Stdio::piped()).spawn().unwrap();
            let text = fence.text.as_bytes();
            shell.stdin.take().unwrap().write_all(text).unwrap();
            let at = format!("{}:{}", document.path, fence.line);
            assert!(shell.wait().unwrap().success(), "{at}");
        }
    }
}

#[test]
fn every_target_is_in_the_makefile() {
    let makefile = std::fs::read_to_string(root().join("Makefile")).unwrap();
    let rules = makefile.lines().filter_map(|line| line.split_once(':'));
    let targets: Vec<_> = rules.map(|(target, _)| target).collect();
    let mut named = 0;
    for document in documents() {
        let fences = document.fences_in("sh").map(|fence| fence.text.clone());
        let all: Vec<_> = fences.chain(document.inline_code()).collect();
        let lines = all.iter().flat_map(|text| text.lines());
        for target in lines.filter_map(|line| line.strip_prefix("make ")) {
            // Variables may follow the target.
            let target = target.trim_start_matches("-C .. ").split(' ').next().unwrap();
            assert!(targets.contains(&target), "{}: make {target}", document.path);
            named += 1;
        }
    }
    assert!(named > 0);
}

/// Prints to stderr directly, because the harness hides the output of a test that passes.
pub(crate) fn is_missing(program: &str) -> bool {
    let mut command = Command::new(program);
    let found = command.arg("--version").stdout(Stdio::null()).status();
    let missing = found.is_err();
    if missing {
        let told = format!("the documents' commands are not run: {program} is missing\n");
        std::io::stderr().write_all(told.as_bytes()).unwrap();
    }
    missing
}
