use axum::http::StatusCode;
use http::HeaderMap;
use ingest::testing::idempotency_key as of_header;

use crate::answer::blames_sender;
use crate::request;

const HEADER: &str = "idempotency-key";

/// `Idempotency-Key`: with and without quotes it is the same key, and the key can be written as a header again.
pub fn idempotency_key(bytes: &[u8]) {
    let (headers, _) = request::parts(bytes);
    let key = match of_header(&headers) {
        Ok(None) => {
            assert!(!headers.contains_key(HEADER));
            return;
        }
        Ok(Some(key)) => key,
        Err(problem) => return blames_sender(&problem, StatusCode::BAD_REQUEST, 0),
    };
    assert!((1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()), "{key}");
    assert_eq!(headers.get_all(HEADER).iter().count(), 1);
    let given = headers[HEADER].to_str().unwrap().trim();
    assert!(given == key || given == format!("\"{key}\""), "{given}: {key}");
    assert!(means(key, key));
    assert_eq!(means(&format!("\"{key}\""), key), !key.contains(['"', '\\']), "{key}");
}

fn means(value: &str, key: &str) -> bool {
    let headers: HeaderMap = [(HEADER.parse().unwrap(), value.parse().unwrap())].into_iter().collect();
    of_header(&headers).is_ok_and(|read| read == Some(key))
}
