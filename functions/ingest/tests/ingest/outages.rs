use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use door::{ApiKey, Door};
use futures::future::join_all;
use service::testing::call;
use store::testing::{Database, database};
use store::{Store, StoreConfig};
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::harness::{
    FIRST_DUE, Limits, Service, absent, event, limits, publisher, publisher_to, router, router_with,
    router_with_keys,
};
use crate::keys::{made, settings, with_key};
use crate::network::{Network, State};

const EVENT: &str = r#"{"eventType":"a","payload":{}}"#;
const NOT_CHECKED: &str = "API keys cannot be checked now: the database is not available";

#[tokio::test]
async fn without_a_database_the_client_is_told_to_come_back() {
    let router = router(absent(Duration::from_millis(200)), Door::open()).await;
    let answer = call(router, event(EVENT)).await;
    assert_eq!(answer.header("retry-after"), "1");
    insta::assert_json_snapshot!(answer.problem(StatusCode::SERVICE_UNAVAILABLE), @r#"
    {
      "detail": "the database is not available",
      "status": 503,
      "title": "Service Unavailable",
      "type": "about:blank"
    }
    "#);
}

#[tokio::test]
async fn more_events_than_can_wait_are_told_to_come_back() {
    let router = router(absent(Duration::from_millis(50)), Door::open()).await;
    let answers = join_all((0..2_100).map(|_| call(router.clone(), event(EVENT)))).await;
    let mut told_at_once = 0;
    for answer in answers {
        assert_eq!(answer.header("retry-after"), "1");
        let problem = answer.problem(StatusCode::SERVICE_UNAVAILABLE);
        told_at_once += usize::from(problem["detail"] == "too many events wait to be written");
        assert!(problem.get("limit").is_none_or(|limit| limit == 2_000), "{problem}");
    }
    assert_eq!(told_at_once, 100);
}

#[tokio::test]
async fn more_bytes_than_can_wait_are_told_to_come_back() {
    let limits = Limits { memory_bytes: 20 * 1024 * 1024, ..limits() };
    let store = absent(Duration::from_millis(50));
    let router = router_with(store, Door::open(), publisher().await, limits);
    // A request holds some kilobytes beside its event, so 20 MiB hold 20 waiting events of a million bytes.
    let body = format!(r#"{{"eventType":"a","payload":{{"x":"{}"}}}}"#, "x".repeat(1_000_000));
    let answers = join_all((0..30).map(|_| call(router.clone(), event(body.clone())))).await;
    let problems = answers.iter().map(|answer| answer.problem(StatusCode::SERVICE_UNAVAILABLE));
    let full = "the requests that are under way hold too much memory: all together may hold 20971520 bytes";
    let told = problems.filter(|problem| problem["detail"] == full);
    let told = told.inspect(|problem| assert_eq!(problem["limit"], limits.memory_bytes)).count();
    assert!((10..14).contains(&told), "{told}");
    // After the answers there is room again.
    let after = call(router, event(body)).await.problem(StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(after["detail"], "the database is not available");
}

#[tokio::test]
async fn a_database_that_comes_back_is_found_and_nothing_is_half_written() {
    let database = database().await;
    let network = Network::to(&database).await;
    let store = through(&network);
    let router = router(store.clone(), Door::open()).await;
    comes_and_goes(&database, &network, &store, &router, || event(EVENT)).await;
}

#[tokio::test]
async fn the_same_behind_api_keys() {
    let database = database().await;
    let (_, key) = made(&database.store, settings()).await;
    let network = Network::to(&database).await;
    let store = through(&network);
    let router = router_with_keys(store.clone(), None).await;
    comes_and_goes(&database, &network, &store, &router, || with_key(&key, EVENT)).await;
}

fn through(network: &Network) -> Store {
    let short = Duration::from_millis(500);
    network.store(&StoreConfig {
        acquire_timeout: short,
        statement_timeout: short,
        ..StoreConfig::new("", "test")
    })
}

async fn comes_and_goes(
    database: &Database,
    network: &Network,
    store: &Store,
    router: &Router,
    request: impl Fn() -> Request<Body>,
) {
    for state in [State::Away, State::Silent] {
        assert_eq!(call(router.clone(), request()).await.status, StatusCode::CREATED);
        network.is(state);
        // There are more requests than connections in the pool, so that the silence reaches each connection.
        for _ in 0..12 {
            let answer = call(router.clone(), request()).await;
            answer.problem(StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(answer.header("retry-after"), "1");
        }
        assert!(store.ready().await.is_err());
        network.is(State::Well);
        until(router, &request, StatusCode::CREATED).await;
        store.ready().await.unwrap();
    }
    let stored = "SELECT (SELECT count(*) FROM events) = 4 AND (SELECT count(*) FROM live) = 4";
    assert!(database.value::<bool>(stored).await);
}

/// All waiting requests share one reading of the keys and its failure. Forty readings one after the other would take
/// two minutes.
#[tokio::test]
async fn nobody_waits_at_the_door_behind_the_others() {
    let router = router_with_keys(absent(Duration::from_secs(3)), None).await;
    let key = ApiKey::mint().unwrap().1.reveal();
    let start = Instant::now();
    for answer in join_all((0..40).map(|_| call(router.clone(), with_key(&key, EVENT)))).await {
        assert_eq!(answer.header("retry-after"), "1");
        answer.problem(StatusCode::SERVICE_UNAVAILABLE);
    }
    // A reading that failed a moment ago is not repeated for each new request.
    for _ in 0..10 {
        call(router.clone(), with_key(&key, EVENT)).await.problem(StatusCode::SERVICE_UNAVAILABLE);
    }
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
}

/// Known keys are accepted while the database is unavailable, up to their time limit.
#[tokio::test]
async fn keys_that_are_held_serve_on() {
    let database = database().await;
    let (_, key) = made(&database.store, settings()).await;
    let network = Network::to(&database).await;
    let router = router_with_keys(through(&network), None).await;
    let request = || with_key(&key, EVENT);
    assert_eq!(call(router.clone(), request()).await.status, StatusCode::CREATED);
    for state in [State::Away, State::Silent] {
        network.is(state);
        later(Duration::from_secs(30)).await;
        let start = Instant::now();
        let answers = join_all((0..40).map(|_| call(router.clone(), request()))).await;
        assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
        for answer in answers {
            let problem = answer.problem(StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(problem["detail"], "the database is not available", "not turned away at the door");
        }
        // An unknown key may have been created meanwhile.
        let (_, unknown) = ApiKey::mint().unwrap();
        let answer = call(router.clone(), with_key(&unknown.reveal(), EVENT)).await;
        assert_eq!(answer.problem(StatusCode::SERVICE_UNAVAILABLE)["detail"], NOT_CHECKED);
        later(Duration::from_secs(40)).await;
        let answer = call(router.clone(), request()).await;
        assert_eq!(answer.problem(StatusCode::SERVICE_UNAVAILABLE)["detail"], NOT_CHECKED);
        network.is(State::Well);
        until(&router, &request, StatusCode::CREATED).await;
    }
}

/// Advances the clock that measures the age of keys.
async fn later(duration: Duration) {
    tokio::time::pause();
    tokio::time::advance(duration).await;
    tokio::time::resume();
}

/// A running statement cannot be cancelled: it may still store its event, which is the reason for idempotency keys. An
/// event that only waited behind the statement is not stored.
#[tokio::test]
async fn no_request_waits_beyond_its_limit() {
    let database = database().await;
    let short = Limits { answer_deadline: Duration::from_millis(300), ..limits() };
    let router = router_with(database.store.clone(), Door::open(), publisher().await, short);
    let database = Arc::new(database);
    let locked = tokio::spawn({
        let database = database.clone();
        async move {
            database
                .sql(
                    "DO $$ BEGIN
                         LOCK TABLE events;
                         WHILE NOT EXISTS (SELECT FROM demo_ledger) LOOP PERFORM pg_sleep(0.01); END LOOP;
                     END $$",
                )
                .await
        }
    });
    let holds = "SELECT EXISTS (SELECT FROM pg_locks WHERE granted AND relation = 'events'::regclass AND mode = 'AccessExclusiveLock')";
    while !database.value::<bool>(holds).await {}
    let under_way = tokio::spawn(call(router.clone(), event(EVENT)));
    let blocked = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'events'::regclass)";
    while !database.value::<bool>(blocked).await {}
    let answers = [call(router.clone(), event(EVENT)).await, under_way.await.unwrap()];
    for answer in answers {
        assert_eq!(answer.header("retry-after"), "1");
        let problem = answer.problem(StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(
            problem["detail"],
            "the event was not stored within 300ms and may be yet: an Idempotency-Key makes it safe to send again"
        );
    }
    database.sql("INSERT INTO demo_ledger VALUES (gen_random_uuid(), 1, 1)").await;
    locked.await.unwrap();
    until(&router, || event(EVENT), StatusCode::CREATED).await;
    let stored: i64 = database.value("SELECT count(*) FROM events").await;
    assert_eq!(stored, 2, "the one under way and the last");
}

async fn until(router: &Router, request: impl Fn() -> Request<Body>, status: StatusCode) {
    let answered = async { while call(router.clone(), request()).await.status != status {} };
    timeout(Duration::from_mins(1), answered).await.unwrap();
}

/// The publisher of these tests cannot reach Pub/Sub.
#[tokio::test]
async fn without_pub_sub_an_event_is_stored_and_due() {
    let service = Service::start().await;
    let answer = service.post(EVENT).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    let question = format!(
        "SELECT status = 'PENDING' AND attempt = 0
            AND due_at BETWEEN now() AND now() + interval '{} seconds' FROM live",
        FIRST_DUE.as_secs()
    );
    assert!(service.database.value::<bool>(&question).await);
}

/// This Pub/Sub accepts connections and does not answer, so all of these requests would wait for the full time limit of
/// a publish.
#[tokio::test]
async fn without_pub_sub_few_requests_wait_for_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let bound = Duration::from_millis(200);
    let publisher = publisher_to(listener.local_addr().unwrap().to_string(), bound).await;
    let database = database().await;
    let router = router_with(database.store.clone(), Door::open(), publisher, limits());
    let mut waited = 0;
    for _ in 0..40 {
        let start = Instant::now();
        assert_eq!(call(router.clone(), event(EVENT)).await.status, StatusCode::CREATED);
        waited += usize::from(start.elapsed() >= bound);
    }
    assert!((3..20).contains(&waited), "{waited} of 40");
}
