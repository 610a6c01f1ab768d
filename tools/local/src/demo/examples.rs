//! GitHub's own webhook bodies, from the npm package.

use std::{io::Read, path::PathBuf};

use event::Json;
use flate2::read::GzDecoder;
use serde::{Deserialize, Serialize};

use super::npm;
use crate::{Error, cache};

/// The index of the same version of the package, for machines without npm.
const KEPT: &[u8] = include_bytes!("webhooks/index.json.gz");

/// One example. Its serialized form is the body of a request to ingest.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Example {
    pub(super) event_type: String,
    /// The original text.
    payload: Json,
    /// Its number among the examples of its type, from 1.
    #[serde(skip)]
    number: usize,
}

impl Example {
    pub(super) fn name(&self) -> String {
        format!("{} (example {})", self.event_type, self.number)
    }
}

#[derive(Deserialize)]
struct Webhook {
    name: String,
    examples: Vec<Json>,
}

/// Returns the examples, and their source.
pub(super) async fn load() -> Result<(Vec<Example>, String), Error> {
    load_with("npm", cache::folder()).await
}

async fn load_with(npm: &str, cache: Result<PathBuf, Error>) -> Result<(Vec<Example>, String), Error> {
    match from_npm(npm, cache).await {
        Ok((examples, path)) => Ok((examples, format!("npm ({})", path.display()))),
        Err(why) => Ok((kept()?, format!("the set in the tree: {why}"))),
    }
}

async fn from_npm(npm: &str, cache: Result<PathBuf, Error>) -> Result<(Vec<Example>, PathBuf), Error> {
    let path = npm::cached_or_fetched(npm, &cache?).await?;
    let index = tokio::fs::read_to_string(&path).await?;
    let unreadable = |error| format!("{} is unreadable: {error}", path.display());
    let examples = parse(&index).map_err(unreadable)?;
    Ok((examples, path))
}

fn kept() -> Result<Vec<Example>, Error> {
    let mut index = String::new();
    GzDecoder::new(KEPT).read_to_string(&mut index)?;
    Ok(parse(&index)?)
}

fn parse(index: &str) -> serde_json::Result<Vec<Example>> {
    let webhooks: Vec<Webhook> = serde_json::from_str(index)?;
    let examples = webhooks.into_iter().flat_map(|webhook| {
        let numbered = webhook.examples.into_iter().zip(1..);
        numbered.map(move |(payload, number)| Example {
            event_type: format!("github.{}", webhook.name),
            payload,
            number,
        })
    });
    Ok(examples.collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_example_in_the_tree_is_an_event() {
        let examples = kept().unwrap();
        assert_eq!(examples.len(), 329);
        for example in examples {
            let body = serde_json::to_vec(&example).unwrap();
            let event = event::NewEvent::parse(&body).unwrap();
            assert_eq!(event.event_type.as_str(), example.event_type);
            assert_eq!(event.payload.get(), example.payload.get());
            assert!(event.metadata.is_none());
        }
    }

    #[test]
    fn a_payload_is_sent_as_its_text_came() {
        let index = r#"[{"name":"push","examples":[{"b": 1.0e2,"a":"\u00e9"},{}]}]"#;
        let examples = parse(index).unwrap();
        assert_eq!(
            serde_json::to_string(&examples[0]).unwrap(),
            r#"{"eventType":"github.push","payload":{"b": 1.0e2,"a":"\u00e9"}}"#
        );
        assert_eq!(examples[1].name(), "github.push (example 2)");
    }

    #[tokio::test]
    async fn without_npm_the_set_in_the_tree_is_taken() {
        let cache = tempfile::tempdir().unwrap();
        let (examples, source) = load_with("/nowhere/npm", Ok(cache.path().into())).await.unwrap();
        assert_eq!(examples.len(), 329);
        assert_eq!(source, "the set in the tree: npm is missing");
    }

    #[tokio::test]
    async fn what_npm_fetched_once_is_taken_again_without_it() {
        let cache = tempfile::tempdir().unwrap();
        let index = r#"[{"name":"ping","examples":[{}]}]"#;
        std::fs::write(npm::cached(cache.path()), index).unwrap();
        let (examples, source) = load_with("/nowhere/npm", Ok(cache.path().into())).await.unwrap();
        assert_eq!(examples.len(), 1);
        assert!(source.starts_with("npm ("), "{source}");
    }
}
