use crate::{
    receiver::Receiver,
    stand_in::{SUBSCRIPTION, StandIn, push_to},
};

#[tokio::test]
async fn failures_slow_the_whole_subscription_down_and_successes_free_it() {
    const FAILURES: usize = 5;
    let stand_in = StandIn::start_with("http://127.0.0.1:9", 800).await;
    let mut receiver = Receiver::start(|nth| Some(if nth < FAILURES { 500 } else { 204 })).await;
    stand_in.subscribe(push_to(&receiver.endpoint)).await;

    stand_in.publish("poison").await;

    let pushes = receiver.take(FAILURES + 1).await;
    // The delay holds between the starts of pushes, but the measured times are those of their arrivals.
    let waits = pushes.windows(2).map(|pair| (pair[1].at - pair[0].at).as_millis());
    for (wait, delay) in waits.zip([100, 200, 400, 800, 800]) {
        assert!((delay / 2..delay + 900).contains(&wait), "{wait} ms where {delay} were due");
    }
    let backoff = |stats: &serde_json::Value| stats["subscriptions"][SUBSCRIPTION]["backoffMs"].clone();
    let stats = stand_in.stats_when(|stats| stats["acked"] == 1).await;
    assert_eq!(backoff(&stats), 400);

    // The healthy messages that follow are pushed one by one until their successes have ended the backoff.
    for n in 0..10 {
        stand_in.publish(n.to_string()).await;
    }
    let healthy = receiver.take(10).await;
    let waits: Vec<_> = healthy.windows(2).map(|pair| (pair[1].at - pair[0].at).as_millis()).collect();
    assert!(waits[0] >= 100 && waits[1] >= 50, "{waits:?}");
    let stats = stand_in.stats_when(|stats| stats["acked"] == 11).await;
    assert_eq!(backoff(&stats), 0);
}

#[tokio::test]
async fn one_subscription_that_backs_off_does_not_slow_another() {
    let stand_in = StandIn::start_with("http://127.0.0.1:9", 60_000).await;
    let failing = Receiver::start(|_| Some(500)).await;
    let mut healthy = Receiver::acking().await;
    stand_in.subscribe(push_to(&failing.endpoint)).await;
    let mut other = push_to(&healthy.endpoint);
    other.name += "-healthy";
    stand_in.subscribe(other).await;

    stand_in.publish("poison").await;
    stand_in
        .stats_when(|stats| stats["subscriptions"][SUBSCRIPTION]["backoffMs"].as_u64() >= Some(800))
        .await;
    healthy.next().await;
    let published = std::time::Instant::now();
    stand_in.publish("next").await;
    assert!((healthy.next().await.at - published).as_millis() < 700);
}
