use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{Request, StatusCode};
use event::{EventId, Status};
use serde_json::{Value, json};
use service::testing::Answer;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use store::testing::{Database, database};

use crate::deliver::Held;
use crate::mail::Mail;
use crate::op::Op;
use crate::process::Process;
use crate::services::{self, Surroundings, Tokens, Worker};
use crate::stage::Stage;
use crate::warehouse::{Cut, Warehouse};

/// EventFlow, its surroundings, and the record of the test's actions.
pub(crate) struct System {
    pub(crate) mail: Mail,
    pub(crate) warehouse: Warehouse,
    pub(crate) stage: Stage,
    pub(crate) workers: Vec<Worker>,
    pub(crate) admin: Process,
    pub(crate) tokens: Tokens,
    /// Attempts that wait for the instruction how to end.
    pub(crate) held: Vec<Held>,
    /// The weight of each sent post, in order. It is also the key of the post.
    pub(crate) sent: Vec<i64>,
    pub(crate) answered: Vec<(EventId, i64)>,
    /// The status and the latest attempt of every event after the step before.
    pub(crate) seen: BTreeMap<EventId, (Status, i32)>,
    surroundings: Surroundings,
    ingest: Process,
    flusher: Process,
    database: Database,
    connection: PgConnection,
}

impl System {
    pub(crate) async fn start() -> Self {
        let database = database().await;
        let connection = PgConnection::connect(&database.url).await.unwrap();
        let (mail, warehouse) = (Mail::start().await, Warehouse::start().await);
        let (identity, tokens) = services::identity().await;
        let stage = Stage::default();
        let surroundings = Surroundings {
            database_url: database.url.clone(),
            pubsub: mail.address.clone(),
            bigquery: warehouse.address.clone(),
            identity,
            stage: stage.clone(),
        };
        Self {
            workers: vec![surroundings.clone().worker().await, surroundings.clone().worker().await],
            admin: surroundings.clone().admin().await,
            ingest: surroundings.clone().ingest().await,
            flusher: surroundings.clone().flusher().await,
            held: Vec::new(),
            sent: Vec::new(),
            answered: Vec::new(),
            seen: BTreeMap::new(),
            mail,
            warehouse,
            stage,
            tokens,
            surroundings,
            database,
            connection,
        }
    }

    pub(crate) async fn end(mut self) {
        for worker in self.workers.drain(..) {
            worker.process.kill().await;
        }
        for process in [self.admin, self.ingest, self.flusher] {
            process.kill().await;
        }
        self.connection.close().await.unwrap();
        self.database.remove().await;
    }

    /// Runs an operation, and checks the invariants after it.
    pub(crate) async fn step(&mut self, op: &Op) -> Result<(), String> {
        match *op {
            Op::Post { answered } => {
                let weight = self.new_weight();
                self.sent.push(weight);
                self.post(weight, answered).await?;
            }
            Op::PostAgain(post) => {
                if let Some(weight) = pick(&self.sent, post).copied() {
                    self.post(weight, true).await?;
                }
            }
            Op::Push { copy, worker, ending, answered } => self.push(copy, worker, ending, answered).await?,
            Op::Hold { copy, worker } => self.hold(copy, worker).await?,
            Op::Release { held, ending, answered } => self.release(held, ending, answered).await?,
            Op::Duplicate(copy) => self.mail.copies.extend(pick(&self.mail.copies, copy).cloned()),
            Op::Lose(copy) => drop(take(&mut self.mail.copies, copy)),
            Op::GiveUp(copy) => {
                let given_up = take(&mut self.mail.copies, copy);
                self.mail.dead_letters.extend(given_up);
            }
            Op::DeadLetter { copy, worker, answered } => self.dead_letter(copy, worker, answered).await?,
            Op::Pass { seconds } => self.pass(seconds).await,
            Op::Relay { worker } => self.relay(worker).await?,
            Op::Replay(event) => self.replay(event).await?,
            Op::Flush => drop(self.flush().await?),
            Op::FlushCut(cut) => self.flush_cut(cut).await?,
            Op::Crash { worker } => self.crash(worker).await,
            Op::Stop { worker } => self.stop(worker).await?,
        }
        self.mail.collect().await;
        let replayed = match op {
            Op::Replay(event) => pick(&self.answered, *event).map(|(id, _)| *id),
            _ => None,
        };
        self.nothing_falls(replayed).await
    }

    fn new_weight(&self) -> i64 {
        self.sent.last().unwrap_or(&0) + 1
    }

    async fn post(&mut self, weight: i64, answered: bool) -> Result<(), String> {
        let body = json!({ "eventType": "steps", "payload": { "weight": weight } }).to_string();
        let request = Request::post("/events")
            .header(CONTENT_TYPE, "application/json")
            .header("idempotency-key", weight);
        let answer = self.ingest.call(request.body(body.into()).unwrap()).await.unwrap();
        if answer.status != StatusCode::CREATED {
            return Err(format!("a post was answered {}", answer.status));
        }
        let id = answer.json()["eventId"].as_str().unwrap().parse().unwrap();
        match self.answered.iter().find(|(_, known)| *known == weight) {
            Some((known, _)) if *known != id => Err(format!("event {known} sent again was answered {id}")),
            None if answered => {
                self.answered.push((id, weight));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Moves every time in the database back by this many seconds.
    pub(crate) async fn pass(&mut self, seconds: u32) {
        let time = format!("interval '{seconds} seconds'");
        self.sql(&format!(
            "UPDATE live SET due_at = due_at - {time}, retry_at = retry_at - {time}, lease_until = lease_until - {time};
             UPDATE leases SET until = until - {time}"
        ))
        .await;
    }

    pub(crate) async fn relay(&mut self, worker: usize) -> Result<(), String> {
        let answer = self.workers[worker].process.call(scheduled("/relay", &self.tokens)).await.unwrap();
        let told = answered_ok("relay", &answer)?;
        if told["notPublished"] != 0 {
            return Err(format!("Pub/Sub is here, and the relay says {told}"));
        }
        Ok(())
    }

    async fn replay(&mut self, event: usize) -> Result<(), String> {
        let Some((id, _)) = pick(&self.answered, event).copied() else { return Ok(()) };
        let request = Request::post(format!("/admin/events/{id}/replay")).body(Body::empty()).unwrap();
        let answer = self.admin.call(request).await.unwrap();
        let (status, _) = self.seen[&id];
        let expected = if status.may_be_replayed() { StatusCode::OK } else { StatusCode::CONFLICT };
        if answer.status != expected {
            return Err(format!("a replay of an event that is {status} was answered {}", answer.status));
        }
        Ok(())
    }

    pub(crate) async fn flush(&mut self) -> Result<Value, String> {
        let answer = self.flusher.call(scheduled("/flush", &self.tokens)).await.unwrap();
        answered_ok("flush", &answer)
    }

    async fn flush_cut(&mut self, cut: Cut) -> Result<(), String> {
        let comes = self.warehouse.cut(cut);
        let flush = self.flusher.call(scheduled("/flush", &self.tokens));
        tokio::select! {
            answer = flush => {
                self.warehouse.stop_cutting();
                answered_ok("flush", &answer.unwrap()).map(drop)
            }
            Ok(()) = comes => {
                let next = self.surroundings.clone().flusher().await;
                std::mem::replace(&mut self.flusher, next).kill().await;
                Ok(())
            }
        }
    }

    /// Starts another worker in its place.
    pub(crate) async fn replace(&mut self, worker: usize) {
        let next = self.surroundings.clone().worker().await;
        std::mem::replace(&mut self.workers[worker], next).process.kill().await;
    }

    pub(crate) async fn sql(&mut self, statement: &str) -> Vec<PgRow> {
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).fetch_all(&mut self.connection).await.unwrap()
    }
}

fn scheduled(path: &str, tokens: &Tokens) -> Request<Body> {
    Request::post(path).header("authorization", &tokens.scheduler).body(Body::empty()).unwrap()
}

pub(crate) fn answered_ok(what: &str, answer: &Answer) -> Result<Value, String> {
    match answer.status {
        StatusCode::OK => Ok(answer.json()),
        status => Err(format!("a {what} was answered {status}: {}", String::from_utf8_lossy(&answer.body))),
    }
}

/// Returns the element that the number selects, if there is any.
pub(crate) fn pick<T>(from: &[T], number: usize) -> Option<&T> {
    from.get(number.checked_rem(from.len())?)
}

pub(crate) fn take<T>(from: &mut Vec<T>, number: usize) -> Option<T> {
    let at = number.checked_rem(from.len())?;
    Some(from.remove(at))
}
