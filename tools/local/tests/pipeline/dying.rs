//! Events that all fail, while Pub/Sub pushes more slowly after each failure. They still end, and delay no other
//! event.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::time::sleep;

use crate::system::System;

const DYING: i64 = 200;

/// The numbers of a laptop. The other tests here use shorter ones.
const LAPTOP: [(&str, &str); 7] = [
    ("HANDLER_LIMIT_SECONDS", "10"),
    ("LEASE_SECONDS", "15"),
    ("ACK_DEADLINE_SECONDS", "20"),
    ("FIRST_DUE_SECONDS", "20"),
    ("DUE_STEP_SECONDS", "35"),
    ("RELAY_EVERY_SECONDS", "2"),
    ("PUBSUB_MAX_BACKOFF_MS", "5000"),
];

/// The numbers of Terraform, and a push backoff as long as Google's.
const CLOUD: [(&str, &str); 9] = [
    ("HANDLER_LIMIT_SECONDS", "60"),
    ("LEASE_SECONDS", "75"),
    ("ACK_DEADLINE_SECONDS", "90"),
    ("RETRY_MIN_SECONDS", "10"),
    ("RETRY_MAX_SECONDS", "600"),
    ("FIRST_DUE_SECONDS", "120"),
    ("DUE_STEP_SECONDS", "720"),
    ("RELAY_EVERY_SECONDS", "60"),
    ("PUBSUB_MAX_BACKOFF_MS", "60000"),
];

/// Additional time for one event, because the machine may be busy with other tests.
const SPARE: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread")]
async fn with_the_laptops_numbers_two_hundred_end_within_a_minute() {
    all_die(&LAPTOP, Duration::from_mins(1), Duration::from_secs(5 + 2)).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes up to ten minutes: `make test-all` runs it"]
async fn with_the_clouds_numbers_two_hundred_end_within_ten_minutes() {
    all_die(&CLOUD, Duration::from_mins(10), Duration::from_secs(5 + 60)).await;
}

async fn all_die(numbers: &[(&str, &str)], within: Duration, healthy_within: Duration) {
    let system = System::start(numbers).await;
    let start = Instant::now();
    for _ in 0..DYING {
        system.post("demo.flaky", json!({"failTimes": 1_000_000})).await;
    }
    // The healthy event is sent while the others are failing.
    sleep(within / 6).await;
    let posted = Instant::now();
    let healthy = system.post("user.signup", json!({})).await;
    let dead = "SELECT count(*) FROM outcomes WHERE status = 'DEAD_LETTER'";
    let (mut processed, mut ended) = (None, None);
    while processed.is_none() || ended.is_none() {
        if processed.is_none() && system.event(&healthy).await["status"] == "PROCESSED" {
            processed = Some(posted.elapsed());
        }
        if ended.is_none() && system.number(dead).await == DYING {
            ended = Some(start.elapsed());
        }
        let late =
            start.elapsed() > within || processed.is_none() && posted.elapsed() > healthy_within + SPARE;
        if late && (processed.is_none() || ended.is_none()) {
            let left = system.number("SELECT count(*) FROM live").await;
            panic!("after {:?}: {left} left, the healthy one in {processed:?}", start.elapsed());
        }
        sleep(Duration::from_millis(100)).await;
    }
    println!("{DYING} dead in {:?}, the healthy one in {:?}", ended.unwrap(), processed.unwrap());
    system.stop().await;
}
