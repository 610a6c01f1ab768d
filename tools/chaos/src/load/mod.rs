//! The load generator. It writes every event into its journal before it sends it, and it writes every answer too.

mod event;
mod journal;
mod send;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;
use reqwest::Client;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(crate) use event::{Fate, Planned, UNLOADABLE};
pub(crate) use journal::{Journal, Line, read};

use crate::Error;

pub(crate) struct Load {
    shared: Arc<Shared>,
    ticking: JoinHandle<Result<(), Error>>,
}

struct Shared {
    client: Client,
    url: String,
    journal: Journal,
    sent: AtomicU64,
    answered: AtomicU64,
    /// The first observation that no client should ever make.
    wrong: Mutex<Option<String>>,
    /// Half of the requests hang up after a random time.
    impatient: AtomicBool,
    sends: TaskTracker,
    /// No new events are sent once this is cancelled.
    over: CancellationToken,
    /// No request is sent again once this is cancelled.
    give_up: CancellationToken,
}

#[derive(Clone, Copy)]
pub(crate) struct Pace {
    pub(crate) seed: u64,
    pub(crate) rate: u32,
    /// No more events are sent while this many are unanswered, because a real producer has limited memory too.
    pub(crate) at_once: usize,
    /// The number of events that kill their process.
    pub(crate) killers: u32,
    /// The number of events that end their own session with the database.
    pub(crate) session_enders: u32,
    /// Some events fail, hang, panic or cannot be loaded.
    pub(crate) poison: bool,
    /// Shares in a thousand events: `slow` ones take about as long as the handler's limit allows, `fails_twice` ones
    /// fail twice, and `fails` ones fail until they are dead.
    pub(crate) slow: u32,
    pub(crate) fails_twice: u32,
    pub(crate) fails: u32,
    /// Half of the requests hang up after a random time.
    pub(crate) impatient: bool,
}

impl Load {
    pub(crate) fn start(url: String, journal: &Path, pace: Pace) -> Result<Self, Error> {
        let client = Client::builder().pool_idle_timeout(Duration::from_secs(5)).build()?;
        let shared = Arc::new(Shared {
            client,
            url,
            journal: Journal::create(journal)?,
            sent: AtomicU64::new(0),
            answered: AtomicU64::new(0),
            wrong: Mutex::new(None),
            impatient: AtomicBool::new(pace.impatient),
            sends: TaskTracker::new(),
            over: CancellationToken::new(),
            give_up: CancellationToken::new(),
        });
        let ticking = tokio::spawn(tick(shared.clone(), pace));
        Ok(Self { shared, ticking })
    }

    pub(crate) fn sent(&self) -> u64 {
        self.shared.sent.load(Ordering::Relaxed)
    }

    pub(crate) fn answered(&self) -> u64 {
        self.shared.answered.load(Ordering::Relaxed)
    }

    pub(crate) fn set_impatient(&self, impatient: bool) {
        self.shared.impatient.store(impatient, Ordering::Relaxed);
    }

    /// Stops sending new events. Unanswered events are sent again until they have an answer or the time is over.
    pub(crate) async fn stop(self, patience: Duration) -> Result<(), Error> {
        self.shared.over.cancel();
        self.ticking.await??;
        self.shared.sends.close();
        if tokio::time::timeout(patience, self.shared.sends.wait()).await.is_err() {
            self.shared.give_up.cancel();
            self.shared.sends.wait().await;
        }
        match self.shared.wrong.lock().await.take() {
            Some(wrong) => Err(wrong.into()),
            None => Ok(()),
        }
    }
}

/// Sends events by the clock and not when answers arrive, so that a slow system gets the same load.
async fn tick(shared: Arc<Shared>, pace: Pace) -> Result<(), Error> {
    let mut random = StdRng::seed_from_u64(pace.seed);
    let mut ticks = interval(Duration::from_millis(10));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let start = Instant::now();
    let mut number = 0_i64;
    while !shared.over.is_cancelled() {
        ticks.tick().await;
        let due = start.elapsed().as_millis() * u128::from(pace.rate) / 1_000;
        while number.cast_unsigned() < u64::try_from(due)? && shared.sends.len() < pace.at_once {
            number += 1;
            let mut event = Planned::choose(number, pace, &mut random);
            if number <= i64::from(pace.killers) {
                event.fate = Fate::Kills;
            } else if number <= i64::from(pace.killers + pace.session_enders) {
                event.fate = Fate::EndsSession;
            }
            shared.sent.fetch_add(1, Ordering::Relaxed);
            shared.sends.spawn(send::until_answered(shared.clone(), event));
        }
    }
    Ok(())
}
