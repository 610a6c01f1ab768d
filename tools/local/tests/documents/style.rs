//! Comments and documents are plain sentences with a noun as their subject. These patterns stand for an older style, which is not to
//! come back.

use std::path::Path;

use crate::{none, places::tree, root};

/// A sentence that begins with a clause in place of a subject. A question may.
const OPENINGS: [&str; 7] = ["Who", "Whoever", "Whom", "Whose", "What", "Whatever", "Nobody who"];
const PHRASES: [&str; 5] = ["of which nobody", "in vain", "lets go of", "let go of", "for good"];

/// A migration that was applied cannot change, not even in a comment. The webhooks are other people's.
const NOT_READ: [&str; 2] = ["migrations", "tools/local/src/demo/webhooks"];

#[test]
fn comments_and_documents_are_plain_sentences() {
    let root = root();
    let mut read = 0;
    let mut mistakes = Vec::new();
    for path in tree().into_iter().filter(|path| path.is_file()) {
        let path = path.strip_prefix(&root).unwrap().to_owned();
        if NOT_READ.iter().any(|folder| path.starts_with(folder)) {
            continue;
        }
        let Some(marks) = marks(&path) else { continue };
        let text = std::fs::read_to_string(root.join(&path)).unwrap();
        read += 1;
        mistakes.extend(sentences(&text, marks).filter_map(|(line, sentence)| {
            mistake(&sentence).map(|why| format!("{}:{line}: {why}: {sentence}", path.display()))
        }));
    }
    assert!(read > 500, "only {read} files were read");
    none(mistakes);
}

/// How a comment begins in a file of this kind; in a document every line is text. None where nothing is read.
fn marks(path: &Path) -> Option<&'static [&'static str]> {
    let name = path.file_name()?.to_str()?;
    let extension = path.extension().and_then(|extension| extension.to_str());
    match (name, extension) {
        (_, Some("rs")) => Some(&["//!", "///", "//"]),
        (_, Some("tf" | "sh" | "py" | "toml" | "yml")) | ("Makefile" | "Dockerfile", _) => Some(&["#"]),
        (_, None) if path.starts_with(".github/scripts") => Some(&["#"]),
        (_, Some("md")) => Some(&[""]),
        _ => None,
    }
}

/// The sentences of each block of comments, with the line of the block.
fn sentences(text: &str, marks: &[&str]) -> impl Iterator<Item = (usize, String)> {
    let mut blocks: Vec<(usize, String)> = Vec::new();
    let mut is_open = false;
    for (at, line) in text.lines().enumerate() {
        let line = line.trim_start();
        let comment = marks.iter().find_map(|mark| line.strip_prefix(mark)).map(str::trim);
        match comment.filter(|comment| !comment.is_empty()) {
            Some(comment) if is_open => {
                let (_, block) = blocks.last_mut().unwrap();
                block.push(' ');
                block.push_str(comment);
            }
            Some(comment) => blocks.push((at + 1, comment.to_owned())),
            None => {}
        }
        is_open = comment.is_some_and(|comment| !comment.is_empty());
    }
    blocks.into_iter().flat_map(|(line, block)| split(&block).map(|one| (line, one)).collect::<Vec<_>>())
}

fn split(block: &str) -> impl Iterator<Item = String> {
    block
        .split_inclusive(['.', '?', '!'])
        .fold(Vec::<String>::new(), |mut sentences, part| {
            match sentences.last_mut() {
                // A dot within a name or a number ends nothing.
                Some(last) if !part.starts_with(' ') => last.push_str(part),
                _ => sentences.push(part.trim_start().to_owned()),
            }
            sentences
        })
        .into_iter()
}

fn mistake(sentence: &str) -> Option<String> {
    let begins = |opening: &str| sentence.strip_prefix(opening).is_some_and(|rest| rest.starts_with(' '));
    if !sentence.ends_with('?')
        && sentence.ends_with('.')
        && let Some(opening) = OPENINGS.into_iter().find(|opening| begins(opening))
    {
        return Some(format!("begins with `{opening}`"));
    }
    PHRASES.iter().find(|phrase| sentence.contains(**phrase)).map(|phrase| format!("has `{phrase}`"))
}

#[test]
fn the_old_style_is_found() {
    let old = "\
-- Who has been answered that it takes too long, or has gone, waits for nothing: what it
-- brought is stored. It holds v1.2 of it.
fn f() {} -- no comment of its own line
-- Asks for work of which nobody knows. What is it for?
";
    let found: Vec<_> = sentences(old, &["--"])
        .filter_map(|(line, sentence)| mistake(&sentence).map(|why| (line, why)))
        .collect();
    assert_eq!(found, [(1, "begins with `Who`".to_owned()), (4, "has `of which nobody`".to_owned())]);
}
