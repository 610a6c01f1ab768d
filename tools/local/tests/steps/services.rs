//! The four services, with the settings of a laptop except for those that a test would have to wait for.

use std::time::Duration;

use admin::Admin;
use axum::Router;
use bq_flush::BqFlush;
use door::Door;
use event::Retries;
use gcp::testing::{Issuer, claims};
use gcp::{BigQuery, BigQueryConfig, Identity, Publisher, PublisherConfig};
use ingest::{Coalescer, FrontDoor, Ingest, Limits, Schemas};
use process_push::{Callers, Handlers, ProcessPush};
use service::Shutdown;
use store::{ClaimTerms, Numbers, Store, StoreConfig};

use crate::process::Process;
use crate::stage::Stage;

const AUDIENCE: &str = "http://localhost";
const PUSHER: &str = "pusher@test";
const SCHEDULER: &str = "scheduler@test";
pub(crate) const MAX_RETRIES: u32 = 3;

/// The addresses and credentials that every service needs.
#[derive(Clone)]
pub(crate) struct Surroundings {
    pub(crate) database_url: String,
    pub(crate) pubsub: String,
    pub(crate) bigquery: String,
    pub(crate) identity: Identity,
    pub(crate) stage: Stage,
}

pub(crate) struct Worker {
    pub(crate) process: Process,
    pub(crate) shutdown: Shutdown,
}

/// Tokens that the services accept.
pub(crate) struct Tokens {
    pub(crate) push: String,
    pub(crate) scheduler: String,
}

pub(crate) async fn identity() -> (Identity, Tokens) {
    let issuer = Issuer::start().await;
    let token = |account| format!("Bearer {}", issuer.token(&claims(account, AUDIENCE)));
    (issuer.identity(AUDIENCE), Tokens { push: token(PUSHER), scheduler: token(SCHEDULER) })
}

impl Surroundings {
    pub(crate) async fn ingest(self) -> Process {
        Process::start(async move {
            let (coalescer, _) =
                Coalescer::start(self.store("ingest"), self.publisher().await, Duration::from_secs(20));
            let limits = Limits {
                body_bytes: 1_000,
                memory_bytes: 160 * 1024 * 1024,
                body_deadline: service::BODY_DEADLINE,
                answer_deadline: Duration::from_secs(15),
            };
            let keys_last = Duration::from_hours(24);
            ingest::router(Ingest {
                coalescer,
                front_door: FrontDoor::Callers(Door::open()),
                address_limit: None,
                schemas: Some(Schemas::new(self.store("ingest"))),
                limits,
                keys_last,
            })
        })
        .await
    }

    pub(crate) async fn worker(self) -> Worker {
        let shutdown = Shutdown::new();
        let stop = shutdown.clone();
        let process = Process::start(async move {
            let service = ProcessPush {
                store: self.store("process-push"),
                publisher: self.publisher().await,
                identity: self.identity,
                callers: Callers { push: PUSHER.into(), scheduler: SCHEDULER.into() },
                handlers: Handlers::otherwise(self.stage),
                settings: worker_settings(),
                shutdown: stop,
            };
            service.router().0
        });
        Worker { process: process.await, shutdown }
    }

    pub(crate) async fn admin(self) -> Process {
        Process::start(async move {
            let (store, publisher) = (self.store("admin"), self.publisher().await);
            admin::router(Admin { store, publisher, door: Door::open(), roles: admin::Roles::default() })
        })
        .await
    }

    pub(crate) async fn flusher(self) -> Process {
        Process::start(async move { self.flusher_router().await }).await
    }

    async fn flusher_router(self) -> Router {
        let bigquery = BigQuery::connect(BigQueryConfig {
            project: "test".into(),
            dataset: "eventflow".into(),
            table: "events".into(),
            location: None,
            emulator_host: Some(self.bigquery.clone()),
            credentials_file: None,
            timeout: Duration::from_secs(30),
        });
        let service = BqFlush {
            store: self.store("bq-flush"),
            bigquery: bigquery.await.unwrap(),
            identity: self.identity,
            scheduler: SCHEDULER.into(),
            settings: flusher_settings(),
            shutdown: Shutdown::new(),
        };
        service.router().0
    }

    fn store(&self, name: &'static str) -> Store {
        Store::new(&StoreConfig { max_connections: 5, ..StoreConfig::new(self.database_url.clone(), name) })
            .unwrap()
    }

    async fn publisher(&self) -> Publisher {
        Publisher::connect(PublisherConfig {
            project: "test".into(),
            topic: "events".into(),
            emulator_host: Some(self.pubsub.clone()),
            credentials_file: None,
            timeout: Duration::from_secs(10),
        })
        .await
        .unwrap()
    }
}

fn worker_settings() -> process_push::Settings {
    process_push::Settings {
        instance: "test".into(),
        handler_limit: Duration::from_mins(1),
        // A held attempt would block an attempt that has to run alone for ever.
        claim: ClaimTerms { isolate_after: u32::MAX, lease: Duration::from_secs(15), max_lost: 10 },
        retries: Retries {
            max: MAX_RETRIES,
            backoff_min: Duration::from_secs(10),
            backoff_max: Duration::from_secs(10),
            max_interrupted: 20,
            push_grace: Duration::from_secs(5),
        },
        first_due: Duration::from_secs(20),
        due_step: Duration::from_secs(40),
        concurrency: 4,
        drain_grace: Duration::from_millis(1),
        relay_page: 2,
        relay_pages: 100,
        relay_runs: 500,
        relay_limit: Duration::from_secs(20),
        retention: Duration::from_hours(24 * 90),
        maintain_limit: Duration::from_mins(1),
    }
}

fn flusher_settings() -> bq_flush::Settings {
    bq_flush::Settings {
        limit: Duration::from_secs(20),
        lease: Duration::from_secs(10),
        poll: Duration::from_millis(5),
        rows_per_load: 3,
        bytes_per_load: 1 << 20,
        rows_per_page: 2,
        jobs_a_day: 1_500,
        first_wait: Duration::from_millis(1),
        longest_wait: Duration::from_millis(1),
        numbers: Numbers::Exact,
    }
}
