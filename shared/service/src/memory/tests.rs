#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use http::StatusCode;

use super::*;

fn key(name: &str) -> Holder {
    Holder::Key(Arc::from(name))
}

fn status(result: Result<Held, Problem>) -> StatusCode {
    result.unwrap_err().status()
}

#[test]
fn a_holder_has_its_share_and_leaves_the_rest_to_others() {
    let memory = Memory::new(400);
    let (one, other) = (memory.account(), memory.account());
    one.charge(key("one")).unwrap();
    other.charge(key("other")).unwrap();
    let held = one.hold(100).unwrap();
    assert_eq!(status(one.hold(1)), StatusCode::TOO_MANY_REQUESTS);
    // Another request of the same key finds no more room than the first.
    let again = memory.account();
    again.charge(key("one")).unwrap();
    assert_eq!(status(again.hold(1)), StatusCode::TOO_MANY_REQUESTS);
    let _others = other.hold(100).unwrap();
    drop(held);
    assert!(again.hold(100).is_ok());
}

#[test]
fn all_together_have_the_budget() {
    let memory = Memory::new(400);
    let _held: Vec<_> = (0..4).map(|_| memory.account().hold(100).unwrap()).collect();
    assert_eq!(status(memory.account().hold(1)), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(memory.held(), 400);
}

#[test]
fn what_is_held_already_counts_for_who_turns_out_to_be_the_sender() {
    let memory = Memory::new(400);
    let first = memory.account();
    let _held = first.hold(60).unwrap();
    first.charge(key("one")).unwrap();
    let second = memory.account();
    let _more = second.hold(41).unwrap();
    assert_eq!(second.charge(key("one")).unwrap_err().status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(second.charge(key("other")).is_ok());
}

#[test]
fn nothing_is_left_behind() {
    let memory = Memory::new(400);
    let account = memory.account();
    account.charge(key("one")).unwrap();
    let mut held = account.hold(10).unwrap();
    account.charge(Holder::Address("192.0.2.1".parse().unwrap())).unwrap();
    held.resize(90).unwrap();
    // A request that finds no room takes none.
    assert!(held.resize(101).is_err());
    assert_eq!((held.bytes(), memory.held()), (90, 90));
    held.resize(5).unwrap();
    held.add(600);
    assert!(memory.account().hold(1).is_err());
    drop(held);
    assert_eq!(memory.held(), 0);
    assert!(memory.state().holders.is_empty());
}
