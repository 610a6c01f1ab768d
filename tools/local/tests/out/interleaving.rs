//! In any order of commits, flushes, crashes and failures, each event is loaded once, or is among the rejects.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bq_flush::Settings;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use store::testing::{Database, act, database};
use store::{Store, StoreConfig};

use crate::client::Server;
use crate::harness::{Flusher, Out, events, settings};

const WRITERS: usize = 3;
/// `PARSE_JSON` refuses this number unless it is rounded.
const DECIMAL: &str = r#"{"n":67.174118}"#;

#[derive(Clone, Debug)]
enum Step {
    /// Events that one statement stores.
    Post {
        good: u8,
        poison: u8,
        decimals: u8,
    },
    /// An event in a transaction that stays open.
    Write {
        writer: usize,
    },
    Commit {
        writer: usize,
    },
    RollBack {
        writer: usize,
    },
    Flush,
    /// A flusher that is killed after this many milliseconds, and whose lease ends.
    Killed {
        after: u64,
    },
    /// A flusher that is killed, and whose lease does not end.
    Frozen {
        after: u64,
    },
    Fault(Fault),
    WaitsAreOver,
    RetryRejects,
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    None,
    BadRows,
    /// Numbers are refused as `PARSE_JSON` does.
    Numbers,
    NoDecimals,
    JobFails,
    JobIsInvalid,
    AnswerLost,
    Busy,
    Slow,
}

impl Fault {
    fn told(self) -> Value {
        match self {
            Self::None => json!({}),
            Self::BadRows => json!({"invalidRows": "poison"}),
            Self::Numbers => json!({"invalidRows": "poison", "numbers": "parseJson"}),
            Self::NoDecimals => json!({"numbers": "integersOnly"}),
            Self::JobFails => json!({"failJobs": {"reason": "backendError", "count": 1}}),
            Self::JobIsInvalid => {
                json!({"invalidRows": "poison", "failJobs": {"reason": "invalid", "count": 1}})
            }
            Self::AnswerLost => json!({"invalidRows": "poison", "loseResponses": 1}),
            Self::Busy => json!({"http": {"status": 503, "count": 1}}),
            Self::Slow => json!({"invalidRows": "poison", "jobRunningMs": 150}),
        }
    }
}

fn step() -> impl Strategy<Value = Step> {
    let writer = 0..WRITERS;
    let fault = prop::sample::select(vec![
        Fault::None,
        Fault::BadRows,
        Fault::BadRows,
        Fault::Numbers,
        Fault::Numbers,
        Fault::NoDecimals,
        Fault::JobFails,
        Fault::JobIsInvalid,
        Fault::AnswerLost,
        Fault::Busy,
        Fault::Slow,
    ]);
    prop_oneof![
        4 => (0..5_u8, 0..2_u8, 0..3_u8)
            .prop_map(|(good, poison, decimals)| Step::Post { good, poison, decimals }),
        3 => writer.clone().prop_map(|writer| Step::Write { writer }),
        2 => writer.clone().prop_map(|writer| Step::Commit { writer }),
        1 => writer.prop_map(|writer| Step::RollBack { writer }),
        4 => Just(Step::Flush),
        3 => (0..400_u64).prop_map(|after| Step::Killed { after }),
        1 => (0..400_u64).prop_map(|after| Step::Frozen { after }),
        3 => fault.prop_map(Step::Fault),
        2 => Just(Step::WaitsAreOver),
        1 => Just(Step::RetryRejects),
    ]
}

fn small() -> Settings {
    Settings {
        limit: Duration::from_secs(2),
        rows_per_load: 4,
        rows_per_page: 2,
        longest_wait: Duration::from_mins(1),
        ..settings()
    }
}

struct World {
    out: Out,
    writers: [Option<PgConnection>; WRITERS],
}

impl World {
    async fn step(&mut self, step: &Step) {
        match step {
            Step::Post { good, poison, decimals } => {
                let good = std::iter::repeat_n("good", usize::from(*good));
                let poison = std::iter::repeat_n("poison", usize::from(*poison));
                let decimals = std::iter::repeat_n(DECIMAL, usize::from(*decimals));
                let payloads: Vec<_> = good.chain(poison).chain(decimals).collect();
                if !payloads.is_empty() {
                    self.out.events(&payloads).await;
                }
            }
            Step::Write { writer } => self.write(*writer).await,
            Step::Commit { writer } => self.end(*writer, "COMMIT").await,
            Step::RollBack { writer } => self.end(*writer, "ROLLBACK").await,
            // A flush may be refused, for example by a fault. The books show whether that was right.
            Step::Flush => drop(self.out.flusher.flush().await),
            Step::Killed { after } => {
                kill(&self.out.database, &self.out.warehouse, *after).await;
                self.leases_end().await;
            }
            Step::Frozen { after } => kill(&self.out.database, &self.out.warehouse, *after).await,
            Step::Fault(fault) => drop(self.out.warehouse.faults(fault.told()).await),
            Step::WaitsAreOver => {
                self.out.waits_are_over().await;
                self.leases_end().await;
            }
            Step::RetryRejects => drop(self.out.database.store.retry_rejects(None, act()).await.unwrap()),
        }
    }

    async fn leases_end(&self) {
        self.out.database.sql("UPDATE leases SET until = now() WHERE name = 'loads'").await;
    }

    async fn write(&mut self, writer: usize) {
        if self.writers[writer].is_none() {
            let mut session = PgConnection::connect(&self.out.database.url).await.unwrap();
            sqlx::raw_sql("BEGIN").execute(&mut session).await.unwrap();
            self.writers[writer] = Some(session);
        }
        let session = self.writers[writer].as_mut().unwrap();
        let id =
            event::EventId::mint(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap());
        let insert = format!(
            "INSERT INTO events (id, event_type, payload) VALUES ('{id}', 'a', '{{}}');
             INSERT INTO live (id, due_at) VALUES ('{id}', now() + interval '1 hour')"
        );
        sqlx::raw_sql(AssertSqlSafe(insert)).execute(session).await.unwrap();
    }

    async fn end(&mut self, writer: usize, how: &'static str) {
        if let Some(mut session) = self.writers[writer].take() {
            sqlx::raw_sql(how).execute(&mut session).await.unwrap();
        }
    }

    async fn settle(&mut self) {
        for writer in 0..WRITERS {
            self.end(writer, "COMMIT").await;
        }
        self.out.warehouse.faults(json!({})).await;
        for _ in 0..20 {
            self.step(&Step::WaitsAreOver).await;
            crate::harness::settled(&self.out.database).await;
            let answer = self.out.flusher.flush().await;
            if answer.status == 200 && answer.json()["unloadedRows"] == 0 {
                return;
            }
        }
        panic!("it does not settle: {:?}", self.out.flusher.flush().await);
    }

    async fn check(&self) -> Result<(), TestCaseError> {
        let rejects = "SELECT id::text FROM load_rejects WHERE reloaded_at IS NULL";
        let stored = self.texts("SELECT id::text FROM events").await;
        let rejected = self.texts(rejects).await;
        let loaded = self.out.warehouse.ids().await;
        let distinct: BTreeSet<_> = loaded.iter().cloned().collect();
        prop_assert_eq!(loaded.len(), distinct.len(), "a row twice");
        prop_assert!(distinct.is_disjoint(&rejected), "loaded and rejected");
        prop_assert_eq!(distinct.union(&rejected).cloned().collect::<BTreeSet<_>>(), stored);
        let counted = "SELECT coalesce(sum(rows - rejected), 0)::bigint FROM loads";
        prop_assert_eq!(self.out.number(counted).await, i64::try_from(loaded.len()).unwrap());
        let posted = self.out.database.sql("SELECT id::text, payload::text FROM events").await;
        let posted: BTreeMap<String, String> =
            posted.iter().map(|row| (sqlx::Row::get(row, 0), sqlx::Row::get(row, 1))).collect();
        let kept = self.out.payloads().await;
        let otherwise = kept.iter().filter(|(id, payload)| posted[*id] != **payload).count();
        let changed = "SELECT coalesce(sum(changed), 0)::bigint FROM loads";
        prop_assert_eq!(
            self.out.number(changed).await,
            i64::try_from(otherwise).unwrap(),
            "numbers that changed"
        );
        Ok(())
    }

    async fn texts(&self, question: &str) -> BTreeSet<String> {
        let rows = self.out.database.sql(question).await;
        rows.iter().map(|row| sqlx::Row::get(row, 0)).collect()
    }
}

/// Runs a flush in a runtime of its own and shuts the runtime down, which ends all its tasks as a killed process
/// would.
async fn kill(database: &Database, warehouse: &Server, after: u64) {
    let url = database.url.clone();
    let config = crate::harness::bigquery(warehouse);
    let process = tokio::task::spawn_blocking(move || {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.spawn(async move {
            let store = Store::new(&StoreConfig { max_connections: 3, ..StoreConfig::new(url, "killed") });
            Flusher::to(&store.unwrap(), config, small()).await.flush().await
        });
        std::thread::sleep(Duration::from_millis(after));
        runtime.shutdown_background();
    });
    process.await.unwrap();
}

async fn live(steps: &[Step]) -> Result<(), TestCaseError> {
    let (database, warehouse) = (database().await, Server::start().await);
    let flusher = Flusher::start(&database.store, &warehouse, small()).await;
    let mut world = World { out: Out { database, warehouse, flusher }, writers: [None, None, None] };
    // This event creates the table before the steps begin.
    events(&world.out.database.store, &["first"]).await;
    for step in steps {
        world.step(step).await;
    }
    world.settle().await;
    world.check().await
}

#[test]
fn each_event_is_loaded_once() {
    let config =
        ProptestConfig { max_shrink_iters: 40, failure_persistence: None, ..ProptestConfig::default() };
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { config.cases } else { 12 };
    proptest!(ProptestConfig { cases, ..config }, |(steps in prop::collection::vec(step(), 5..30))| {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(live(&steps))?;
    });
}
