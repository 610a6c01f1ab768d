//! A body of ten megabytes that decompresses to ten gigabytes, in a separate process whose memory is measured.
#![allow(clippy::unwrap_used, dead_code)]

#[path = "ingest/harness.rs"]
mod harness;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_compression::tokio::write::{GzipEncoder, ZstdEncoder};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use door::Door;
use futures::stream;
use service::testing::call;
use tokio::io::AsyncWriteExt;

/// `TIMES` members of this many bytes are ten gigabytes.
const ZEROS: usize = 16 << 20;
const TIMES: usize = 640;

#[tokio::test]
async fn a_bomb_is_refused_early_and_memory_stays_flat() {
    let router = harness::router(harness::absent(Duration::from_millis(50)), Door::open()).await;
    let before = peak();
    for (encoding, member) in [("gzip", gzip().await), ("zstd", zstd().await)] {
        for (path, content_type) in [
            ("/events", "application/json"),
            ("/events/batch", "application/json"),
            ("/events/batch", "application/x-ndjson"),
        ] {
            let sent = Arc::new(AtomicUsize::new(0));
            let request = Request::post(path)
                .header("content-type", content_type)
                .header("content-encoding", encoding)
                .body(bomb(member.clone(), sent.clone()))
                .unwrap();
            let answer = call(router.clone(), request).await;
            answer.problem(StatusCode::PAYLOAD_TOO_LARGE);
            let sent = sent.load(Ordering::Relaxed);
            assert!(sent <= 64 * 1024, "{sent} bytes of {encoding} were read");
        }
    }
    match (before, peak()) {
        (Some(before), Some(after)) => {
            let grown = after.saturating_sub(before);
            assert!(grown < 64 * 1024, "{grown} KiB more");
        }
        _ => println!("memory is not looked at: there is no /proc/self/status"),
    }
}

/// Sends the body in pieces, and counts each when it is requested.
fn bomb(member: Vec<u8>, sent: Arc<AtomicUsize>) -> Body {
    let pieces = (0..TIMES).flat_map(move |_| member.chunks(4096).map(<[u8]>::to_vec).collect::<Vec<_>>());
    Body::from_stream(stream::iter(pieces.map(move |piece| {
        sent.fetch_add(piece.len(), Ordering::Relaxed);
        Ok::<_, std::io::Error>(piece)
    })))
}

async fn gzip() -> Vec<u8> {
    let mut encoder = GzipEncoder::new(Vec::new());
    encoder.write_all(&vec![b'0'; ZEROS]).await.unwrap();
    encoder.shutdown().await.unwrap();
    encoder.into_inner()
}

async fn zstd() -> Vec<u8> {
    let mut encoder = ZstdEncoder::new(Vec::new());
    encoder.write_all(&vec![b'0'; ZEROS]).await.unwrap();
    encoder.shutdown().await.unwrap();
    encoder.into_inner()
}

/// The peak memory of this process so far, in KiB.
fn peak() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}
