#![allow(clippy::unwrap_used)]

use std::collections::HashSet;

use super::*;

#[test]
fn a_minted_key_is_read_back_and_no_two_are_alike() {
    let mut seen = HashSet::new();
    for _ in 0..1_000 {
        let (key, text) = ApiKey::mint().unwrap();
        let text = text.reveal();
        let read = ApiKey::parse(&text).unwrap();
        assert_eq!((read.id(), read.hash()), (key.id(), key.hash()));
        assert!(read.has_hash(&key.hash()));
        assert!(seen.insert(key.id().to_owned()) && seen.insert(text), "{key:?}");
    }
}

/// Clients and scanners rely on this format. The checksum is zlib's.
#[test]
fn the_format_stays() {
    let text = "efk_0123456789ab_ABCDEFGHIJKLMNOPQRSTUV4VH66f";
    let key = ApiKey::parse(text).unwrap();
    assert_eq!(key.id(), "0123456789ab");
    assert_eq!(key.hash(), <[u8; 32]>::from(Sha256::digest("ABCDEFGHIJKLMNOPQRSTUV")));
}

#[test]
fn every_mistyped_character_is_found() {
    let (_, text) = ApiKey::mint().unwrap();
    let text = text.reveal();
    for place in 0..text.len() {
        for wrong in ['0', 'x', '_', '-', '\0'] {
            let mut typed: Vec<char> = text.chars().collect();
            if typed[place] == wrong {
                continue;
            }
            typed[place] = wrong;
            let typed: String = typed.into_iter().collect();
            assert_eq!(ApiKey::parse(&typed).err(), Some(Malformed), "{typed:?}");
        }
        assert!(ApiKey::parse(&text[..place]).is_err());
    }
    assert!(ApiKey::parse(&format!("{text}0")).is_err() && ApiKey::parse(&format!(" {text}")).is_err());
}

#[test]
fn anything_else_is_no_key() {
    for text in ["", "efk_", "efk__", "Bearer", &"é".repeat(WIDTH / 2), &"efk_é".repeat(9)] {
        assert!(ApiKey::parse(text).is_err(), "{text}");
    }
    // A right checksum alone does not make a key: some characters here are not in the alphabet.
    let odd = "efk_0123456789a-_ABCDEFGHIJKLMNOPQRSTU\u{7f}";
    assert!(ApiKey::parse(&format!("{odd}{}", checksum(odd))).is_err());
}

#[test]
fn another_secret_has_another_hash() {
    let ((one, _), (other, _)) = (ApiKey::mint().unwrap(), ApiKey::mint().unwrap());
    assert!(!one.has_hash(&other.hash()));
    let mut nearly = one.hash();
    nearly[31] ^= 1;
    assert!(!one.has_hash(&nearly));
}

#[test]
fn a_secret_is_not_printed() {
    let (key, text) = ApiKey::mint().unwrap();
    let printed = format!("{key:?} {text:?}");
    let secret = text.reveal()[WIDTH - CHECKSUM_WIDTH - SECRET_WIDTH..].to_owned();
    assert!(!printed.contains(&secret), "{printed}");
}
