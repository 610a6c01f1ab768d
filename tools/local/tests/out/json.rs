//! The payloads in BigQuery are those that were posted.

use crate::harness::Out;

/// Python escapes emojis like this by default. A load job would make two replacement characters of each pair.
#[tokio::test]
async fn an_emoji_that_came_escaped_is_an_emoji() {
    let out = Out::start().await;
    let posted = r#"{"is":"\ud83d\ude00 \u00e9 \\ud83d","\uD83C\uDFE6":[1.50,12345678901234567890]}"#;
    let ids = out.events(&[posted, r#"{"is":"😀"}"#]).await;
    out.drain().await;
    let kept = out.payloads().await;
    assert_eq!(kept[&ids[0]], r#"{"is":"😀 \u00e9 \\ud83d","🏦":[1.50,12345678901234567890]}"#);
    assert_eq!(kept[&ids[1]], r#"{"is":"😀"}"#);
    let stored = format!(
        "SELECT (payload::text LIKE '%ud83d%ude00%')::int::bigint FROM events WHERE id = '{}'",
        ids[0]
    );
    assert_eq!(out.number(&stored).await, 1, "PostgreSQL keeps it as it came");
}
