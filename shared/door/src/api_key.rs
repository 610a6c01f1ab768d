//! The API key that a client of ingest presents: `efk_<id>_<secret><crc32>`. People and scanners recognize it by its
//! prefix, and the checksum finds a typing mistake without a query of the database.

use std::fmt;

use rand::TryRngCore;
use rand::rand_core::OsError;
use rand::rngs::OsRng;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::base62;

const PREFIX: &str = "efk_";
const ID_WIDTH: usize = 12;
/// Holds 128 bits.
const SECRET_WIDTH: usize = 22;
/// Holds 32 bits.
const CHECKSUM_WIDTH: usize = 6;
const WIDTH: usize = PREFIX.len() + ID_WIDTH + 1 + SECRET_WIDTH + CHECKSUM_WIDTH;

/// A key without its text: its id and the hash of its secret. A slow hash would not help, since 128 random bits cannot
/// be guessed.
#[derive(Clone)]
pub struct ApiKey {
    id: String,
    hash: [u8; 32],
}

/// The text of a new key. It can be revealed once.
pub struct Unrevealed(String);

/// The text is not a key: it was mistyped, was cut off, or is something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl ApiKey {
    /// Makes a new key from the operating system's randomness.
    pub fn mint() -> Result<(Self, Unrevealed), OsError> {
        let (id, secret) = (random()?, random()?);
        let mut text =
            format!("{PREFIX}{}_{}", base62::encode(id, ID_WIDTH), base62::encode(secret, SECRET_WIDTH));
        text.push_str(&checksum(&text));
        let (id, secret) = split(&text);
        Ok((Self::of(id, secret), Unrevealed(text)))
    }

    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let is_shaped = text.len() == WIDTH && text.is_ascii() && text.starts_with(PREFIX);
        if !is_shaped {
            return Err(Malformed);
        }
        let (checked, sum) = text.split_at(WIDTH - CHECKSUM_WIDTH);
        let (id, secret) = split(text);
        let is_whole = text.as_bytes()[PREFIX.len() + ID_WIDTH] == b'_' && checksum(checked) == sum;
        if is_whole && base62::is(id) && base62::is(secret) {
            Ok(Self::of(id, secret))
        } else {
            Err(Malformed)
        }
    }

    fn of(id: &str, secret: &str) -> Self {
        Self { id: id.to_owned(), hash: Sha256::digest(secret).into() }
    }

    pub fn id(&self) -> &str {
        &self.id
    }

    /// SHA-256 of the secret.
    pub fn hash(&self) -> [u8; 32] {
        self.hash
    }

    /// True if this is the secret's hash. The time of the comparison does not reveal how much of the hash is right.
    pub fn has_hash(&self, hash: &[u8; 32]) -> bool {
        self.hash.ct_eq(hash).into()
    }
}

impl Unrevealed {
    pub fn reveal(self) -> String {
        self.0
    }
}

/// Splits a text of the right width into the id and the secret.
fn split(text: &str) -> (&str, &str) {
    let id = PREFIX.len()..PREFIX.len() + ID_WIDTH;
    let secret = id.end + 1..WIDTH - CHECKSUM_WIDTH;
    (&text[id], &text[secret])
}

fn checksum(text: &str) -> String {
    base62::encode(crc32fast::hash(text.as_bytes()).into(), CHECKSUM_WIDTH)
}

fn random() -> Result<u128, OsError> {
    let mut bytes = [0; 16];
    OsRng.try_fill_bytes(&mut bytes)?;
    Ok(u128::from_le_bytes(bytes))
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKey({})", self.id)
    }
}

impl fmt::Debug for Unrevealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Unrevealed")
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the API key is malformed: it was mistyped or cut off")
    }
}

impl std::error::Error for Malformed {}

#[cfg(test)]
#[path = "api_key_tests.rs"]
mod tests;
