use async_compression::Level;
use async_compression::tokio::write::{GzipEncoder, ZstdEncoder};
use async_compression::zstd::CParameter;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use service::testing::{call, untouchable};
use tokio::io::AsyncWriteExt;

use crate::batch::batch;
use crate::harness::{MAX_BODY_BYTES, Service, absent, event, router};

const EVENT: &str = r#"{"eventType":"a","payload":{"n":1}}"#;

async fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzipEncoder::new(Vec::new());
    encoder.write_all(text.as_bytes()).await.unwrap();
    encoder.shutdown().await.unwrap();
    encoder.into_inner()
}

async fn zstd(text: &str) -> Vec<u8> {
    windowed(text, 20).await
}

async fn windowed(text: &str, log: u32) -> Vec<u8> {
    let window = [CParameter::window_log(log)];
    let mut encoder = ZstdEncoder::with_quality_and_params(Vec::new(), Level::Fastest, &window);
    encoder.write_all(text.as_bytes()).await.unwrap();
    encoder.shutdown().await.unwrap();
    encoder.into_inner()
}

fn encoded(mut request: Request<Body>, encoding: &str) -> Request<Body> {
    request.headers_mut().insert("content-encoding", encoding.parse().unwrap());
    request
}

#[tokio::test]
async fn a_body_may_come_compressed() {
    let service = Service::start().await;
    for (encoding, body) in [
        ("gzip", gzip(EVENT).await),
        ("GZip", gzip(EVENT).await),
        ("x-gzip", gzip(EVENT).await),
        ("zstd", zstd(EVENT).await),
        ("identity", EVENT.into()),
        // Several members form one body.
        ("gzip", [gzip(&EVENT[..9]).await, gzip(&EVENT[9..]).await].concat()),
        ("zstd", [zstd(&EVENT[..9]).await, zstd(&EVENT[9..]).await].concat()),
    ] {
        let answer = service.call(encoded(event(body), encoding)).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{encoding} {answer:?}");
    }
    let stored = r#"SELECT count(*) FROM events WHERE payload::text = '{"n":1}'"#;
    assert_eq!(service.database.value::<i64>(stored).await, 7);
    for request in [
        encoded(batch("application/json", gzip(&format!("[{EVENT},{EVENT}]")).await), "gzip"),
        encoded(batch("application/x-ndjson", zstd(&format!("{EVENT}\n{EVENT}")).await), "zstd"),
    ] {
        assert_eq!(service.call(request).await.json()["accepted"], 2);
    }
}

#[tokio::test]
async fn another_encoding_is_refused_unread() {
    let service = Service::start().await;
    for encoding in ["br", "deflate", "gzip, zstd", "gzip,gzip", ""] {
        let answer = service.call(encoded(event(untouchable()), encoding)).await;
        assert_eq!(answer.header("accept-encoding"), "gzip, zstd");
        let problem = answer.problem(StatusCode::UNSUPPORTED_MEDIA_TYPE);
        assert_eq!(problem["field"], "Content-Encoding");
    }
}

#[tokio::test]
async fn what_is_broken_is_told() {
    let service = Service::start().await;
    let long = format!(r#"{{"eventType":"a","payload":{{"x":"{}"}}}}"#, "0123456789".repeat(5_000));
    for (encoding, body) in [("gzip", gzip(&long).await), ("zstd", zstd(&long).await)] {
        // Only the header of zstd is sure to show a wrong byte, because this client sends no checksum.
        let mut corrupt = body.clone();
        corrupt[if encoding == "gzip" { 40 } else { 1 }] ^= 0xff;
        let half = body[..body.len() / 2].to_vec();
        let nearly = body[..body.len() - 1].to_vec();
        let followed = [body.clone(), b"more".to_vec()].concat();
        for broken in [corrupt, half, nearly, followed, EVENT.into(), b"{".into()] {
            let answer = service.call(encoded(event(broken.clone()), encoding)).await;
            let problem = answer.problem(StatusCode::BAD_REQUEST);
            let detail = problem["detail"].as_str().unwrap();
            assert!(detail.starts_with(&format!("the body is not whole, or not {encoding}")), "{detail}");
        }
        let answer = service.call(encoded(event(""), encoding)).await;
        answer.problem(StatusCode::BAD_REQUEST);
    }
    assert_eq!(service.rows().await, 0);
}

#[tokio::test]
async fn the_limit_is_of_what_comes_out() {
    let service = Service::start().await;
    let frame = r#"{"eventType":"a","payload":{"x":""}}"#.len();
    let padded =
        |size: usize| format!(r#"{{"eventType":"a","payload":{{"x":"{}"}}}}"#, "x".repeat(size - frame));
    let (fits, large) = (padded(MAX_BODY_BYTES), padded(MAX_BODY_BYTES + 1));
    for (encoding, fits, large) in
        [("gzip", gzip(&fits).await, gzip(&large).await), ("zstd", zstd(&fits).await, zstd(&large).await)]
    {
        let fits = service.call(encoded(event(fits), encoding)).await;
        assert_eq!(fits.status, StatusCode::CREATED);
        let large = service.call(encoded(event(large), encoding)).await;
        assert_eq!(large.problem(StatusCode::PAYLOAD_TOO_LARGE)["limit"], MAX_BODY_BYTES);
    }
    // Empty members must not allow a client to send without end.
    let empty = gzip("").await;
    let endless = futures::stream::repeat_with(move || Ok::<_, std::io::Error>(empty.repeat(1_000)));
    let answer = service.call(encoded(event(Body::from_stream(endless)), "gzip")).await;
    assert_eq!(answer.problem(StatusCode::PAYLOAD_TOO_LARGE)["limit"], MAX_BODY_BYTES);
}

/// A frame declares in advance how much memory its reader needs.
#[tokio::test]
async fn a_window_beyond_eight_megabytes_is_refused() {
    let router = router(absent(std::time::Duration::from_millis(50)), door::Door::open()).await;
    let answer = |body| call(router.clone(), encoded(event(body), "zstd"));
    let large = "x".repeat(20 << 20);
    answer(windowed(EVENT, 23).await).await.problem(StatusCode::SERVICE_UNAVAILABLE);
    answer(windowed(&large, 23).await).await.problem(StatusCode::PAYLOAD_TOO_LARGE);
    let problem = answer(windowed(&large, 24).await).await.problem(StatusCode::BAD_REQUEST);
    assert_eq!((&problem["field"], &problem["limit"]), (&"Content-Encoding".into(), &(8 << 20).into()));
    let told = "the body wants a zstd window of 16777216 bytes, and the limit is 8388608 bytes";
    assert_eq!(problem["detail"], told);
    // A frame that declares its length is refused without any further data.
    let told = [&MAGIC[..], &[0xa0], &u32::try_from(MAX_BODY_BYTES + 1).unwrap().to_le_bytes()].concat();
    assert_eq!(answer(told).await.problem(StatusCode::PAYLOAD_TOO_LARGE)["limit"], MAX_BODY_BYTES);
}

const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// A frame whose window is its content, in one uncompressed block. Its length field has `size_bytes` bytes.
fn single(text: &str, size_bytes: usize) -> Vec<u8> {
    let length = u64::try_from(text.len()).unwrap();
    let (descriptor, size) = match size_bytes {
        1 => (0x20, length),
        2 => (0x60, length - 256),
        4 => (0xa0, length),
        _ => (0xe0, length),
    };
    let block = (length << 3 | 1).to_le_bytes();
    [&MAGIC[..], &[descriptor], &size.to_le_bytes()[..size_bytes], &block[..3], text.as_bytes()].concat()
}

/// The window of each frame is found, however the body is cut into chunks.
#[tokio::test]
async fn frames_of_every_kind_are_one_body() {
    let service = Service::start().await;
    let skipped = [&[0x5a, 0x2a, 0x4d, 0x18, 9, 0, 0, 0][..], b"(skipped)"].concat();
    let checked = {
        let params = [CParameter::window_log(22), CParameter::checksum_flag(true)];
        let mut encoder = ZstdEncoder::with_quality_and_params(Vec::new(), Level::Best, &params);
        let text = (0..60_000).fold(String::new(), |text, n| text + &format!("{n:x}"));
        encoder.write_all(text.as_bytes()).await.unwrap();
        encoder.shutdown().await.unwrap();
        encoder.into_inner()
    };
    let frames = [
        single(r#"{"eventType":"a","#, 1),
        skipped.clone(),
        windowed(r#""payload":{"x":""#, 23).await,
        checked,
        single(&"y".repeat(300), 2),
        windowed(&"z".repeat(300_000), 20).await,
        skipped,
        single("\"", 4),
        single("}}", 8),
    ];
    let body = frames.concat();
    let whole = service.call(encoded(event(body.clone()), "zstd")).await;
    assert_eq!(whole.status, StatusCode::CREATED, "{whole:?}");
    for size in [1, 2, 5, 1000] {
        let pieces: Vec<_> = body.chunks(size).map(|piece| Ok::<_, std::io::Error>(piece.to_vec())).collect();
        let pieces = Body::from_stream(futures::stream::iter(pieces));
        let answer = service.call(encoded(event(pieces), "zstd")).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{size} {answer:?}");
    }
    let stored = "SELECT count(*) = 5 AND count(DISTINCT md5(payload::text)) = 1 FROM events";
    assert!(service.database.value::<bool>(stored).await);
}

#[tokio::test]
async fn the_key_of_a_compressed_event_is_of_what_comes_out() {
    let service = Service::start().await;
    let keyed = |body: Vec<u8>, encoding| {
        let mut request = encoded(event(body), encoding);
        request.headers_mut().insert("idempotency-key", "k".parse().unwrap());
        service.call(request)
    };
    let first = keyed(gzip(EVENT).await, "gzip").await.json();
    assert_eq!(keyed(zstd(EVENT).await, "zstd").await.json(), first);
    assert_eq!(keyed(EVENT.into(), "identity").await.json(), first);
}
