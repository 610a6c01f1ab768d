use std::{net::Ipv4Addr, time::Duration};

use googleapis_tonic_google_pubsub_v1::google::pubsub::v1::{
    Subscription,
    push_config::{AuthenticationMethod, OidcToken},
};
use tokio::net::TcpListener;

use crate::{
    issuer::{Issuer, claims},
    receiver::Receiver,
    stand_in::{StandIn, push_to},
};

const ACCOUNT: &str = "pusher@test.iam.gserviceaccount.com";

fn authenticated(endpoint: &str, audience: &str) -> Subscription {
    let token = OidcToken { service_account_email: ACCOUNT.to_owned(), audience: audience.to_owned() };
    let mut subscription = push_to(endpoint);
    if let Some(config) = &mut subscription.push_config {
        config.authentication_method = Some(AuthenticationMethod::OidcToken(token));
    }
    subscription
}

#[tokio::test]
async fn a_push_carries_a_token_for_the_account_and_the_audience() {
    let issuer = Issuer::start().await;
    let stand_in = StandIn::start_with(&issuer.url, 5_000).await;
    let mut receiver = Receiver::acking().await;
    stand_in.subscribe(authenticated(&receiver.endpoint, "https://worker.example")).await;

    for n in 0..20 {
        stand_in.publish(n.to_string()).await;
    }

    for push in receiver.take(20).await {
        let claims = claims(&push);
        assert_eq!((&claims["email"], &claims["aud"]), (&ACCOUNT.into(), &"https://worker.example".into()));
    }
    assert_eq!(issuer.issued(), 1);
}

#[tokio::test]
async fn the_audience_is_the_whole_endpoint_unless_it_is_given() {
    let issuer = Issuer::start().await;
    let stand_in = StandIn::start_with(&issuer.url, 5_000).await;
    let mut receiver = Receiver::acking().await;
    stand_in.subscribe(authenticated(&receiver.endpoint, "")).await;

    stand_in.publish("one").await;

    assert_eq!(claims(&receiver.next().await)["aud"], receiver.endpoint);
}

#[tokio::test]
async fn messages_wait_for_an_issuer_that_is_not_there_yet() {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let stand_in = StandIn::start_with(&format!("http://{address}"), 5_000).await;
    let mut receiver = Receiver::acking().await;
    stand_in.subscribe(authenticated(&receiver.endpoint, "")).await;

    stand_in.publish("early").await;
    assert!(receiver.is_quiet(Duration::from_millis(400)).await);
    let _issuer = Issuer::start_on(address).await;

    assert_eq!(claims(&receiver.next().await)["email"], ACCOUNT);
    let stats = stand_in.stats_when(|stats| stats["acked"] == 1).await;
    assert_eq!((&stats["pushed"], &stats["nacked"]), (&1.into(), &0.into()));
}

#[tokio::test]
async fn a_token_that_was_refused_is_not_used_again() {
    let issuer = Issuer::start().await;
    let stand_in = StandIn::start_with(&issuer.url, 5_000).await;
    let mut receiver = Receiver::start(|nth| Some(if nth == 0 { 401 } else { 204 })).await;
    stand_in.subscribe(authenticated(&receiver.endpoint, "")).await;

    stand_in.publish("one").await;

    let serials: Vec<_> = receiver.take(2).await.iter().map(|push| claims(push)["serial"].clone()).collect();
    assert_eq!(serials, [0, 1]);
}
