use std::time::Duration;

use event::state::{Ended, Held, Live, Moment, State};
use event::{AttemptEnd, Delivery, EventId, Status};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};
use store::{ClaimTerms, Claimant, Failure, Overdue, Replayed};

use crate::common::Life;
use crate::step::{Answer, Step, Taken};
use crate::{NOW, RULES, UNIT};

const ENDS: [AttemptEnd; 7] = [
    AttemptEnd::Failed,
    AttemptEnd::TimedOut,
    AttemptEnd::Panicked,
    AttemptEnd::Permanent,
    AttemptEnd::Interrupted,
    AttemptEnd::Released,
    AttemptEnd::Lost,
];

/// The rows of one event, which can be set to any state and read back.
pub(crate) struct Table {
    life: Life,
    connection: PgConnection,
    taken: Vec<Overdue>,
}

impl Table {
    pub(crate) async fn new() -> Self {
        let life = Life::begin().await;
        let connection = PgConnection::connect(&life.database.url).await.unwrap();
        Self { life, connection, taken: Vec::new() }
    }

    pub(crate) async fn arrange(&mut self, state: &State, step: Step) {
        let id = self.life.id;
        self.sql("DELETE FROM outcomes; DELETE FROM attempts; DELETE FROM replays; DELETE FROM live").await;
        // This is an older outcome, replayed long ago. No statement may take it for the latest one.
        if state.attempt() > 1 {
            let death = Ended { status: Status::DeadLetter, retry_count: 1, attempt: 1 };
            self.sql(&outcome(id, &death)).await;
            self.sql(&format!("INSERT INTO replays VALUES ('{id}', 1, 'DEAD_LETTER', 'somebody')")).await;
        }
        if matches!(step, Step::GiveBack) {
            self.sql(&format!("INSERT INTO live (id, due_at) VALUES ('{id}', now())")).await;
            self.taken = self.life.store.take_overdue(10, RULES.due_step).await.unwrap();
        }
        match state {
            State::Live(live) => self.sql(&row(id, live, step)).await,
            State::Ended(ended) => {
                self.sql("DELETE FROM live").await;
                self.sql(&outcome(id, ended)).await
            }
        };
    }

    pub(crate) async fn take(&mut self, step: Step, from: &State) -> Taken {
        let answer = self.statement(step, from).await;
        let state = self.state().await;
        let recorded = self.sql("SELECT attempt, ended FROM attempts").await;
        let recorded = recorded.first().map(|row| {
            let ended = row.get::<String, _>("ended");
            (number(row, "attempt"), ENDS.into_iter().find(|end| end.as_str() == ended).unwrap())
        });
        Taken { state, answer, recorded }
    }

    async fn statement(&mut self, step: Step, from: &State) -> Answer {
        let (store, id) = (&self.life.store, self.life.id);
        match step {
            Step::Deliver { alone } => {
                let claimant = Claimant { alone, ..Claimant::of_message("test", "1") };
                let terms = ClaimTerms {
                    lease: RULES.lease,
                    isolate_after: RULES.isolate_after,
                    max_lost: RULES.max_lost,
                };
                Answer::Found(held(store.claim(id, claimant, terms).await.unwrap()))
            }
            Step::Succeed(holder) => Answer::Done(store.succeed(id, holder.of(from).attempt).await.unwrap()),
            Step::Fail(holder, end) => {
                let holder = holder.of(from);
                let then = RULES.retries.after(end, holder.tries);
                let failure = Failure { end, reason: "because".into(), then };
                Answer::Done(store.fail(id, holder.attempt, failure).await.unwrap())
            }
            Step::TakeOverdue => {
                Answer::Done(!store.take_overdue(10, RULES.due_step).await.unwrap().is_empty())
            }
            Step::GiveBack => {
                let taken = std::mem::take(&mut self.taken);
                store.give_back(taken).await.unwrap();
                Answer::Nothing
            }
            Step::DueAgain => Answer::Done(store.due_again(id).await.unwrap()),
            Step::Replay => Answer::Replayed(match store.replay(id, store::testing::act()).await.unwrap() {
                Replayed::Queued => Ok(()),
                Replayed::Not(status) => Err(status),
                Replayed::Unknown => panic!("the event was accepted"),
            }),
        }
    }

    /// Reads the row in `live`, or the latest outcome if there is none.
    async fn state(&mut self) -> State {
        let columns = "status::text, retry_count, attempt";
        let seconds = |column| format!("extract(epoch FROM {column} - now())::float8 AS {column}");
        let (due, retry, lease) = (seconds("due_at"), seconds("retry_at"), seconds("lease_until"));
        let live = self
            .sql(&format!(
                "SELECT {columns}, lost, lost_alone, interrupted, alone, {due}, {retry}, {lease} FROM live"
            ))
            .await;
        if let [row] = live.as_slice() {
            return State::Live(Live {
                status: status(row),
                retry_count: number(row, "retry_count"),
                attempt: number(row, "attempt"),
                lost: number(row, "lost"),
                lost_alone: number(row, "lost_alone"),
                interrupted: number(row, "interrupted"),
                alone: row.get("alone"),
                due_at: moment(row, "due_at").unwrap(),
                retry_at: moment(row, "retry_at"),
                lease_until: moment(row, "lease_until"),
            });
        }
        let ends = self.sql(&format!("SELECT {columns} FROM outcomes ORDER BY attempt DESC LIMIT 1")).await;
        State::Ended(Ended {
            status: status(&ends[0]),
            retry_count: number(&ends[0], "retry_count"),
            attempt: number(&ends[0], "attempt"),
        })
    }

    async fn sql(&mut self, statement: &str) -> Vec<PgRow> {
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).fetch_all(&mut self.connection).await.unwrap()
    }
}

/// The SQL that sets the row in `live`. An event that the relay took keeps its `due_at`, to the microsecond, unless the
/// state has another.
fn row(id: EventId, live: &Live, step: Step) -> String {
    let Live { status, retry_count, attempt, lost, lost_alone, interrupted, alone, .. } = live;
    let due_at = match step {
        Step::GiveBack if live.due_at == NOW + RULES.due_step => "live.due_at".to_owned(),
        _ => at(live.due_at),
    };
    let retry_at = live.retry_at.map_or("NULL".into(), at);
    let lease_until = live.lease_until.map_or("NULL".into(), at);
    format!(
        "INSERT INTO live (id, due_at) VALUES ('{id}', now()) ON CONFLICT DO NOTHING;
         UPDATE live SET status = '{status}', retry_count = {retry_count}, attempt = {attempt}, lost = {lost},
                lost_alone = {lost_alone}, interrupted = {interrupted}, alone = {alone},
                due_at = {due_at}, retry_at = {retry_at}, lease_until = {lease_until}"
    )
}

fn outcome(id: EventId, ended: &Ended) -> String {
    let Ended { status, retry_count, attempt } = ended;
    format!(
        "INSERT INTO outcomes (id, attempt, status, retry_count, queued_at)
         VALUES ('{id}', {attempt}, '{status}', {retry_count}, now())"
    )
}

fn at(moment: Moment) -> String {
    format!("now() + interval '{} seconds'", moment.abs_diff(NOW).as_secs())
}

fn moment(row: &PgRow, column: &str) -> Option<Moment> {
    let units = row.get::<Option<f64>, _>(column)? / UNIT.as_secs_f64();
    Some(NOW + Duration::from_secs_f64((units.round() * UNIT.as_secs_f64()).max(0.0)))
}

fn number(row: &PgRow, column: &str) -> u32 {
    row.get::<i32, _>(column).try_into().unwrap()
}

fn status(row: &PgRow) -> Status {
    row.get::<String, _>("status").parse().unwrap()
}

fn held(delivery: Delivery<store::Claim>) -> Delivery<Held> {
    delivery.map(|claim| Held { attempt: claim.attempt, tries: claim.tries })
}
