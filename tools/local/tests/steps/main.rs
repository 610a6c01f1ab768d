//! Runs random lists of operations in one process: the services' routers and the stand-ins around one real
//! PostgreSQL, with the same books after each list. Time passes by moving the times in the database back. A failing
//! list is shrunk, and printed with its seed.
#![allow(clippy::unwrap_used)]

mod books;
mod calm;
mod deliver;
mod mail;
mod op;
mod process;
mod services;
mod stage;
mod system;
mod warehouse;

use std::env;

use proptest::collection::vec;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestRunner};

use op::Op;
use system::System;

/// `PROPTEST_CASES` sets another number.
const CASES: u32 = 24;
/// Few events in short lists interact more often than many events in long lists, and shrink sooner.
const LONGEST: usize = 40;

#[test]
fn any_list_of_operations_balances_the_books() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let config = config();
    let seed = config.rng_seed;
    let run = |ops: Vec<Op>| {
        let told = runtime.block_on(balance(&ops));
        told.map_err(TestCaseError::fail)
    };
    if let Err(error) = TestRunner::new(config).run(&vec(op::any(), 1..LONGEST), run) {
        panic!("{error}\nto see it again, set PROPTEST_RNG_SEED: {seed:?}");
    }
}

async fn balance(ops: &[Op]) -> Result<(), String> {
    let mut system = System::start().await;
    let mut told = Ok(());
    for op in ops {
        told = system.step(op).await.map_err(|why| format!("{why}, by {op:?}"));
        if told.is_err() {
            break;
        }
    }
    if told.is_ok() {
        told = system.come_to_rest().await;
    }
    system.end().await;
    told
}

fn config() -> Config {
    let mut config = Config {
        failure_persistence: None,
        max_shrink_iters: 400,
        max_shrink_time: 300_000,
        ..Config::default()
    };
    if env::var_os("PROPTEST_CASES").is_none() {
        config.cases = CASES;
    }
    if config.rng_seed == RngSeed::Random {
        config.rng_seed = RngSeed::Fixed(uuid::Uuid::new_v4().as_u64_pair().0);
    }
    config
}
