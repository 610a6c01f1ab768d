#![allow(clippy::unwrap_used)]

use std::sync::atomic::AtomicBool;

use event::Delivery;
use store::testing::database;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::{ClaimTerms, Claimant, Error, StoreConfig};

/// A proxy to the database that can swallow everything on its open connections. New connections pass once it no longer
/// swallows.
struct Network {
    url: String,
    swallows: Arc<AtomicBool>,
}

impl Network {
    async fn to(url: &str) -> Self {
        let (template, address) = without_address(url);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let swallows = Arc::new(AtomicBool::new(false));
        let told = swallows.clone();
        tokio::spawn(async move {
            loop {
                let (mut client, _) = listener.accept().await.unwrap();
                let (address, told) = (address.clone(), told.clone());
                tokio::spawn(async move {
                    let mut server = TcpStream::connect(address).await.unwrap();
                    tokio::select! {
                        _ = copy_bidirectional(&mut client, &mut server) => {}
                        // From here on nothing passes, and neither side is told.
                        () = until(&told) => std::future::pending().await,
                    }
                });
            }
        });
        Self { url: template.replace("ADDRESS", &format!("127.0.0.1:{port}")), swallows }
    }
}

async fn until(told: &AtomicBool) {
    while !told.load(Ordering::SeqCst) {
        sleep(Duration::from_millis(5)).await;
    }
}

/// The URL with `ADDRESS` in place of its host and port, and the host and port.
fn without_address(url: &str) -> (String, String) {
    let (before, rest) = url.split_once('@').unwrap();
    let (address, database) = rest.split_once('/').unwrap();
    (format!("{before}@ADDRESS/{database}"), address.to_owned())
}

/// If the connection were not given up too, the pool would be dead for as long as the process lives.
#[tokio::test]
async fn a_statement_into_silence_is_given_up_and_its_connection_too() {
    let database = database().await;
    let network = Network::to(&database.url).await;
    let short = Duration::from_millis(200);
    let config = StoreConfig {
        statement_timeout: short,
        max_connections: 1,
        ..StoreConfig::new(network.url.clone(), "test")
    };
    let store = Store::new(&config).unwrap();
    let id = "0199c0de-0000-7000-8000-000000000001".parse().unwrap();
    let claim = || {
        let claimant = Claimant::of_message("test", "1");
        store.claim(id, claimant, ClaimTerms { isolate_after: 3, lease: short, max_lost: 10 })
    };
    assert!(matches!(claim().await, Ok(Delivery::Unknown)));
    // The gate passes, and the statement after it gets no answer.
    let silence = async {
        let mut connection = store.pool.acquire().await.unwrap();
        network.swallows.store(true, Ordering::SeqCst);
        sleep(Duration::from_millis(100)).await;
        let asked = async { Ok(sqlx::raw_sql("SELECT 1").execute(&mut *connection).await?) };
        let said = timeout(store.statement_limit, asked).await;
        crate::session::in_time(connection, said)
    };
    assert!(matches!(silence.await, Err(Error::Unavailable(_))));
    network.swallows.store(false, Ordering::SeqCst);
    assert!(matches!(claim().await, Ok(Delivery::Unknown)));
}

fn store(url: String) -> Store {
    let acquire_timeout = Duration::from_millis(100);
    Store::new(&StoreConfig { max_connections: 2, acquire_timeout, ..StoreConfig::new(url, "test") }).unwrap()
}

#[tokio::test]
async fn a_pool_of_dead_sockets_is_noticed_once_the_network_is_back() {
    let database = database().await;
    let network = Network::to(&database.url).await;
    let store = store(network.url.clone());
    let connections = [store.pool.acquire().await.unwrap(), store.pool.acquire().await.unwrap()];
    network.swallows.store(true, Ordering::SeqCst);
    // The connections need a moment to notice this.
    sleep(Duration::from_millis(100)).await;
    // Each task waits for an answer that never comes, and holds its connection.
    for mut connection in connections {
        tokio::spawn(async move { sqlx::raw_sql("SELECT 1").execute(&mut *connection).await });
    }
    assert!(store.ready().await.is_err());
    let patience = Duration::from_millis(500);
    let watch = store.watch(patience);
    assert!(
        timeout(patience * 3, watch).await.is_err(),
        "nothing can be reached, so a new process would not help"
    );
    network.swallows.store(false, Ordering::SeqCst);
    timeout(Duration::from_secs(10), store.watch(patience)).await.expect("it is noticed");
}

#[tokio::test]
async fn a_pool_that_yields_is_left_alone() {
    let database = database().await;
    let store = store(database.url.clone());
    let watched = timeout(Duration::from_millis(600), store.watch(Duration::from_millis(200))).await;
    assert!(watched.is_err());
}
