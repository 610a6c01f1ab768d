use axum::http::StatusCode;
use door::ApiKey;
use http::header::AUTHORIZATION;
use ingest::testing::api_key as presented;
use sha2::{Digest, Sha256};

use crate::answer::blames_sender;
use crate::request;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// An API key: each key of the documented format is accepted in its exact spelling and in no other, and several keys
/// at once are refused.
pub fn api_key(bytes: &[u8]) {
    let (headers, _) = request::parts(bytes);
    match presented(&headers) {
        Ok(key) => {
            let mut given = headers.get_all(AUTHORIZATION).iter().chain(headers.get_all("x-api-key"));
            let text = given.next().unwrap().to_str().unwrap();
            let text = text.rsplit(' ').next().unwrap().trim();
            assert!(given.next().is_none());
            assert_eq!(written(key.id(), &text[17..39]), text);
        }
        Err(problem) => blames_sender(&problem, StatusCode::UNAUTHORIZED, 0),
    }
    if let Some((&[id @ .., typed], rest)) = bytes.split_first_chunk::<10>() {
        let id = digits(u64::from_le_bytes(std::array::from_fn(|at| id[at])).into(), 12);
        let secret: [u8; 16] = std::array::from_fn(|at| rest.get(at).copied().unwrap_or(typed));
        let secret = digits(u128::from_le_bytes(secret), 22);
        opens_as_itself(&id, &secret, char::from(typed));
    }
}

fn opens_as_itself(id: &str, secret: &str, typed: char) {
    let text = written(id, secret);
    let key = ApiKey::parse(&text).unwrap();
    assert_eq!(key.id(), id);
    assert!(key.has_hash(&Sha256::digest(secret).into()));
    for (place, right) in text.char_indices().filter(|(_, right)| *right != typed) {
        let mut mistyped = text.clone();
        mistyped.replace_range(place..=place, &typed.to_string());
        assert!(ApiKey::parse(&mistyped).is_err(), "{right} as {typed}: {text}");
    }
}

/// Writes a key by the documented format, independent of the code.
fn written(id: &str, secret: &str) -> String {
    let text = format!("efk_{id}_{secret}");
    let checksum = digits(crc32fast::hash(text.as_bytes()).into(), 6);
    text + &checksum
}

fn digits(mut number: u128, width: usize) -> String {
    let mut digits = vec!['0'; width];
    for digit in digits.iter_mut().rev() {
        *digit = char::from(DIGITS[usize::try_from(number % 62).unwrap()]);
        number /= 62;
    }
    digits.into_iter().collect()
}
