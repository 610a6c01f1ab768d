//! Tests of callers with every kind of token, against an issuer whose keys come over HTTP.
#![allow(clippy::unwrap_used)]

mod iap;
mod issuer;
mod keys;

use futures::future::join_all;
use gcp::{Caller, Identity, IdentityConfig, Mode, Refusal};
use http::{HeaderMap, HeaderName, HeaderValue};
use issuer::{
    AUDIENCE, Issuer, PUSHER, claims, claims_but, claims_without, forged_token, good_token, hmac_token,
    stripped, unsigned_token,
};
use serde_json::json;

fn identity(mode: Mode, jwks_url: &str) -> Identity {
    Identity::new(IdentityConfig { mode, audience: AUDIENCE.into(), jwks_url: Some(jwks_url.into()) })
        .unwrap()
}

fn headers(pairs: &[(&'static str, String)]) -> HeaderMap {
    let pair = |(name, value): &(&'static str, String)| {
        (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
    };
    let mut headers = HeaderMap::new();
    for (name, value) in pairs.iter().map(pair) {
        headers.append(name, value);
    }
    headers
}

async fn check(identity: &Identity, token: &str) -> Result<Caller, Refusal> {
    let headers = headers(&[("authorization", format!("Bearer {token}"))]);
    identity.check(&headers, &[PUSHER.to_owned()]).await
}

fn the_pusher() -> Caller {
    Caller { email: PUSHER.into() }
}

#[track_caller]
fn assert_invalid(result: &Result<Caller, Refusal>, why: &str) {
    match result {
        Err(Refusal::Invalid(text)) => assert!(text.contains(why), "{text:?} without {why:?}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_good_token_is_let_in_and_its_keys_are_fetched_once() {
    let issuer = Issuer::start().await;
    let identity = identity(Mode::Verify, &issuer.jwks_url);
    let token = good_token(&issuer);
    for _ in 0..3 {
        assert_eq!(check(&identity, &token).await, Ok(the_pusher()));
    }
    assert_eq!(issuer.fetches(), 1);
}

#[tokio::test]
async fn the_scheme_is_not_case_sensitive() {
    let issuer = Issuer::start().await;
    let identity = identity(Mode::Verify, &issuer.jwks_url);
    let headers = headers(&[("authorization", format!("bearer {}", good_token(&issuer)))]);
    let caller = identity.check(&headers, &[PUSHER.to_owned()]).await;
    assert_eq!(caller, Ok(the_pusher()));
}

#[tokio::test]
async fn many_at_once_are_all_let_in() {
    let issuer = Issuer::start().await;
    let identity = identity(Mode::Verify, &issuer.jwks_url);
    let tokens: Vec<_> =
        (0..20).map(|number| issuer.token(&claims_but("sub", json!(number.to_string())))).collect();
    let results = join_all(tokens.iter().map(|token| check(&identity, token))).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
}

#[tokio::test]
async fn claims_that_are_not_for_us_are_refused_in_both_modes() {
    let issuer = Issuer::start().await;
    let past = jsonwebtoken::get_current_timestamp() - 60;
    let cases = [
        (claims_but("aud", json!("http://other")), "audience"),
        (claims_but("aud", json!([AUDIENCE])), "unreadable"),
        (claims_but("iss", json!("https://evil.example")), "issuer"),
        (claims_but("exp", json!(past)), "expired"),
        (claims_but("email_verified", json!(false)), "not verified"),
        (claims_but("email_verified", json!("true")), "unreadable"),
        (claims_without("aud"), "unreadable"),
        (claims_without("iss"), "unreadable"),
        (claims_without("exp"), "unreadable"),
        (claims_without("email"), "unreadable"),
        (claims_without("email_verified"), "unreadable"),
    ];
    let verify = identity(Mode::Verify, &issuer.jwks_url);
    let cloud_run = identity(Mode::CloudRun, &issuer.jwks_url);
    for (claims, why) in cases {
        let token = issuer.token(&claims);
        assert_invalid(&check(&verify, &token).await, why);
        assert_invalid(&check(&cloud_run, &stripped(&token)).await, why);
    }
    assert_eq!(issuer.fetches(), 0, "no keys are needed to see that");
}

#[tokio::test]
async fn a_token_that_expires_is_refused_although_it_was_verified() {
    let issuer = Issuer::start().await;
    let identity = identity(Mode::Verify, &issuer.jwks_url);
    let nearly = jsonwebtoken::get_current_timestamp() - 8;
    let token = issuer.token(&claims_but("exp", json!(nearly)));
    assert_eq!(check(&identity, &token).await, Ok(the_pusher()));
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    assert_invalid(&check(&identity, &token).await, "expired");
}

#[tokio::test]
async fn a_good_token_of_somebody_else_is_forbidden_each_time() {
    let issuer = Issuer::start().await;
    let identity = identity(Mode::Verify, &issuer.jwks_url);
    let token = issuer.token(&claims_but("email", json!("eve@example.com")));
    for _ in 0..2 {
        let forbidden = Refusal::Forbidden { email: "eve@example.com".into() };
        assert_eq!(check(&identity, &token).await, Err(forbidden));
    }
}

#[tokio::test]
async fn nobody_is_allowed_where_no_one_is_named() {
    let issuer = Issuer::start().await;
    let identity = identity(Mode::Verify, &issuer.jwks_url);
    let headers = headers(&[("authorization", format!("Bearer {}", good_token(&issuer)))]);
    let refused = identity.check(&headers, &[]).await;
    assert!(matches!(refused, Err(Refusal::Forbidden { .. })), "{refused:?}");
}

#[tokio::test]
async fn signatures_that_are_not_the_issuers_are_refused_in_both_modes() {
    let issuer = Issuer::start().await;
    let unknown_key = issuer.token_with_kid("key-2", &claims());
    let tokens = [
        (forged_token(), "InvalidSignature"),
        (unknown_key, "kid"),
        (unsigned_token(), "unreadable"),
        (hmac_token(), "RS256"),
        (format!("{}x", good_token(&issuer)), ""),
        (format!("{}.", good_token(&issuer)), "unreadable"),
        ("garbage".into(), "unreadable"),
        ("a.b.c".into(), "unreadable"),
        ("..".into(), "unreadable"),
    ];
    for mode in [Mode::Verify, Mode::CloudRun] {
        let identity = identity(mode, &issuer.jwks_url);
        for (token, why) in &tokens {
            assert_invalid(&check(&identity, token).await, why);
        }
    }
}

#[tokio::test]
async fn a_stripped_token_is_taken_from_cloud_run_alone() {
    let issuer = Issuer::start().await;
    let token = stripped(&good_token(&issuer));
    let cloud_run = identity(Mode::CloudRun, &issuer.jwks_url);
    assert_eq!(check(&cloud_run, &token).await, Ok(the_pusher()));
    assert_eq!(issuer.fetches(), 0);

    let verify = identity(Mode::Verify, &issuer.jwks_url);
    assert_invalid(&check(&verify, &token).await, "");
}

#[tokio::test]
async fn a_stripped_token_is_refused_where_the_same_one_was_verified_whole() {
    let issuer = Issuer::start().await;
    let identity = identity(Mode::Verify, &issuer.jwks_url);
    let token = good_token(&issuer);
    assert_eq!(check(&identity, &token).await, Ok(the_pusher()));
    assert_invalid(&check(&identity, &stripped(&token)).await, "");
}

#[tokio::test]
async fn a_whole_token_is_verified_behind_cloud_run_too() {
    let issuer = Issuer::start().await;
    let identity = identity(Mode::CloudRun, &issuer.jwks_url);
    let token = good_token(&issuer);
    assert_eq!(check(&identity, &token).await, Ok(the_pusher()));
    assert_eq!(issuer.fetches(), 1);
}

/// If a request has `X-Serverless-Authorization`, Cloud Run checks that header, and the content of `Authorization` is
/// unchecked.
#[tokio::test]
async fn the_header_that_cloud_run_checked_decides() {
    let issuer = Issuer::start().await;
    let identity = identity(Mode::CloudRun, &issuer.jwks_url);
    let eve = issuer.token(&claims_but("email", json!("eve@example.com")));
    let pairs = [
        ("authorization", format!("Bearer {}", stripped(&good_token(&issuer)))),
        ("x-serverless-authorization", format!("Bearer {}", stripped(&eve))),
    ];
    let result = identity.check(&headers(&pairs), &[PUSHER.to_owned()]).await;
    let forbidden = Refusal::Forbidden { email: "eve@example.com".into() };
    assert_eq!(result, Err(forbidden));
}

#[tokio::test]
async fn two_tokens_are_one_too_many() {
    let issuer = Issuer::start().await;
    let identity = identity(Mode::CloudRun, &issuer.jwks_url);
    let value = format!("Bearer {}", stripped(&good_token(&issuer)));
    let pairs = [("authorization", value.clone()), ("authorization", value)];
    let result = identity.check(&headers(&pairs), &[PUSHER.to_owned()]).await;
    assert_invalid(&result, "more than one");
}

#[tokio::test]
async fn no_bearer_token_is_missing() {
    let issuer = Issuer::start().await;
    let identity = identity(Mode::Verify, &issuer.jwks_url);
    for value in ["", "Bearer", "Basic dXNlcjpwYXNz", &good_token(&issuer)] {
        let result = identity.check(&headers(&[("authorization", value.into())]), &[]).await;
        assert_eq!(result, Err(Refusal::Missing), "{value:?}");
    }
    let result = identity.check(&HeaderMap::new(), &[]).await;
    assert_eq!(result, Err(Refusal::Missing));
}

#[tokio::test]
async fn keys_that_cannot_be_had_are_no_reason_against_the_caller() {
    let issuer = Issuer::start().await;
    let nowhere = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}/certs", listener.local_addr().unwrap())
    };
    let not_found = issuer.jwks_url.replace("/certs", "/elsewhere");
    for url in [nowhere, not_found] {
        let result = check(&identity(Mode::Verify, &url), &good_token(&issuer)).await;
        assert!(matches!(result, Err(Refusal::Unavailable(_))), "{url}: {result:?}");
    }
}

#[tokio::test]
async fn keys_that_never_come_are_waited_for_within_a_bound() {
    let issuer = Issuer::start().await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/certs", silent.local_addr().unwrap());
    let start = std::time::Instant::now();
    let result = check(&identity(Mode::Verify, &url), &good_token(&issuer)).await;
    assert!(matches!(result, Err(Refusal::Unavailable(_))), "{result:?}");
    assert!(start.elapsed() < std::time::Duration::from_secs(7));
}

#[test]
fn the_mode_is_one_of_two_words() {
    assert_eq!("verify".parse::<Mode>().unwrap(), Mode::Verify);
    assert_eq!("cloud-run".parse::<Mode>().unwrap(), Mode::CloudRun);
    for other in ["", "off", "Verify", "cloud_run"] {
        assert!(other.parse::<Mode>().is_err(), "{other:?}");
    }
}

#[test]
fn an_empty_audience_is_a_mistake_of_the_settings() {
    let config = IdentityConfig { mode: Mode::Verify, audience: String::new(), jwks_url: None };
    assert!(Identity::new(config).is_err());
}
