//! Tests of the keys of an issuer: which callers wait for them, and how often they are fetched.

use std::time::Duration;

use futures::future::join_all;
use gcp::{Mode, Refusal};
use serde_json::json;
use tokio::time::{Instant, sleep, timeout};

use crate::issuer::{Issuer, claims, claims_but, good_token};
use crate::{assert_invalid, check, identity, the_pusher};

/// The time of one fetch of the keys. A queue of seventy fetches would take longer than any caller waits.
const SLOW: Duration = Duration::from_millis(300);

fn fresh_token(issuer: &Issuer, number: usize) -> String {
    issuer.token(&claims_but("sub", json!(number.to_string())))
}

#[tokio::test]
async fn invented_keys_hold_nobody_up_and_are_fetched_for_once() {
    let issuer = Issuer::slow(SLOW).await;
    let identity = identity(Mode::Verify, &issuer.jwks_url);
    assert_eq!(check(&identity, &good_token(&issuer)).await, Ok(the_pusher()));
    let forged: Vec<_> =
        (0..70).map(|number| issuer.token_with_kid(&format!("invented-{number}"), &claims())).collect();
    let start = Instant::now();
    let strangers = join_all(forged.iter().map(|token| check(&identity, token)));
    let callers = async {
        let mut slowest = Duration::ZERO;
        for number in 0..10 {
            let begun = Instant::now();
            assert_eq!(check(&identity, &fresh_token(&issuer, number)).await, Ok(the_pusher()));
            slowest = slowest.max(begun.elapsed());
            sleep(Duration::from_millis(20)).await;
        }
        slowest
    };
    let (refusals, slowest) = tokio::join!(strangers, callers);
    for refusal in &refusals {
        assert_invalid(refusal, "kid");
    }
    assert!(slowest < Duration::from_secs(3), "a caller waited {slowest:?}");
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    // The refusals are known by now and need no further fetch.
    for token in &forged {
        assert_invalid(&check(&identity, token).await, "kid");
    }
    assert!(issuer.fetches() <= 3, "{} fetches", issuer.fetches());
}

/// A caller that hangs up must not start the fetch anew for those that stay.
#[tokio::test]
async fn who_hangs_up_makes_no_further_fetch() {
    let issuer = Issuer::slow(SLOW).await;
    let identity = identity(Mode::Verify, &issuer.jwks_url);
    for number in 0..10 {
        let token = issuer.token_with_kid(&format!("invented-{number}"), &claims());
        let _ = timeout(SLOW / 2, check(&identity, &token)).await;
    }
    assert_eq!(check(&identity, &good_token(&issuer)).await, Ok(the_pusher()));
    assert!(issuer.fetches() <= 2, "{} fetches", issuer.fetches());
}

#[tokio::test]
async fn a_key_that_the_issuer_has_added_opens_after_a_moment() {
    let issuer = Issuer::start().await;
    let identity = identity(Mode::Verify, &issuer.jwks_url);
    assert_eq!(check(&identity, &good_token(&issuer)).await, Ok(the_pusher()));
    issuer.has(&["added"]);
    later(Duration::from_secs(11)).await;
    let added = issuer.token_with_kid("added", &claims());
    assert_eq!(check(&identity, &added).await, Ok(the_pusher()));
}

#[tokio::test]
async fn a_key_that_the_issuer_has_withdrawn_opens_no_longer_than_an_hour() {
    let issuer = Issuer::start().await;
    let identity = identity(Mode::Verify, &issuer.jwks_url);
    assert_eq!(check(&identity, &good_token(&issuer)).await, Ok(the_pusher()));
    issuer.has(&[]);
    later(Duration::from_mins(61)).await;
    let mut number = 0;
    let refused = async {
        while check(&identity, &fresh_token(&issuer, number)).await.is_ok() {
            number += 1;
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(10), refused).await.unwrap();
}

/// The known keys are still used while the issuer is unavailable, but not for ever.
#[tokio::test]
async fn an_issuer_that_is_away_holds_nobody_up_for_hours() {
    let issuer = Issuer::start().await;
    let identity = identity(Mode::Verify, &issuer.jwks_url);
    assert_eq!(check(&identity, &good_token(&issuer)).await, Ok(the_pusher()));
    issuer.is_away();
    later(Duration::from_hours(3)).await;
    for number in 0..5 {
        assert_eq!(check(&identity, &fresh_token(&issuer, number)).await, Ok(the_pusher()));
    }
    later(Duration::from_hours(4)).await;
    let refused = check(&identity, &fresh_token(&issuer, 5)).await;
    assert!(matches!(refused, Err(Refusal::Unavailable(_))), "{refused:?}");
    issuer.has(&[gcp::testing::KID]);
    later(Duration::from_secs(2)).await;
    assert_eq!(check(&identity, &fresh_token(&issuer, 6)).await, Ok(the_pusher()));
}

/// Every Google account can get valid tokens for this service.
#[tokio::test]
async fn who_may_not_call_makes_nobody_else_be_forgotten() {
    let issuer = Issuer::start().await;
    let identity = identity(Mode::Verify, &issuer.jwks_url);
    let token = good_token(&issuer);
    assert_eq!(check(&identity, &token).await, Ok(the_pusher()));
    for number in 0..70 {
        let mut stranger = claims_but("email", json!("eve@example.com"));
        stranger["sub"] = json!(number.to_string());
        let refused = check(&identity, &issuer.token(&stranger)).await;
        assert!(matches!(refused, Err(Refusal::Forbidden { .. })), "{refused:?}");
    }
    // By now the keys are too old to verify a token.
    issuer.is_away();
    later(Duration::from_hours(7)).await;
    assert_eq!(check(&identity, &token).await, Ok(the_pusher()));
    let unknown = check(&identity, &fresh_token(&issuer, 0)).await;
    assert!(matches!(unknown, Err(Refusal::Unavailable(_))), "{unknown:?}");
}

/// Moves the clock that measures the age of keys. Tokens expire by another clock.
pub(crate) async fn later(duration: Duration) {
    tokio::time::pause();
    tokio::time::advance(duration).await;
    tokio::time::resume();
}
