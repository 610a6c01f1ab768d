use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::{
    Guard, Program,
    life::{Lives, Order, State},
    log::Log,
};
use crate::Error;

/// Shows the user a line about the process with that name.
pub type Tell = Arc<dyn Fn(&str, Line<'_>) + Send + Sync>;

pub enum Line<'a> {
    /// A line that the process printed.
    Printed(&'a str),
    /// A change of the process itself.
    News(String),
}

/// Starts programs, keeps them running, and tracks them until it ends.
pub struct Supervisor {
    guard: Arc<Guard>,
    logs: PathBuf,
    tell: Tell,
    hurry: CancellationToken,
    ending: AtomicBool,
}

impl Supervisor {
    pub fn new(logs: PathBuf, tell: Tell) -> Result<Arc<Self>, Error> {
        std::fs::create_dir_all(&logs)?;
        Ok(Arc::new(Self {
            guard: Arc::new(Guard::start()?),
            logs,
            tell,
            hurry: CancellationToken::new(),
            ending: AtomicBool::new(false),
        }))
    }

    pub fn supervise(self: &Arc<Self>, program: impl Program) -> Result<Supervised, Error> {
        let name = program.name();
        let log = self.log(name)?;
        let (orders, inbox) = mpsc::channel(1);
        let (sender, state) = watch::channel(State::Starting);
        let lives = Lives { program, supervisor: self.clone(), log, inbox, state: sender };
        let task = tokio::spawn(lives.lead());
        Ok(Supervised { name, orders, state, task })
    }

    pub(crate) fn log(self: &Arc<Self>, name: &'static str) -> Result<Arc<Log>, Error> {
        let path = self.logs.join(format!("{name}.log"));
        let this = Arc::downgrade(self);
        let show = move |line: &str| {
            if let Some(this) = this.upgrade().filter(|this| !this.is_ending()) {
                (this.tell)(name, Line::Printed(line));
            }
        };
        Log::create(&path, Box::new(show))
            .map_err(|error| format!("cannot write {}: {error}", path.display()).into())
    }

    pub fn guard(&self) -> &Arc<Guard> {
        &self.guard
    }

    /// Stops showing lines. The output of processes that all end is not interesting.
    pub fn end(&self) {
        self.ending.store(true, Ordering::Relaxed);
    }

    /// Kills the processes that have been asked to end.
    pub fn hurry(&self) {
        self.hurry.cancel();
    }

    pub(super) async fn hurried(&self) {
        self.hurry.cancelled().await;
    }

    pub(super) fn news(&self, name: &str, text: String) {
        if !self.is_ending() {
            (self.tell)(name, Line::News(text));
        }
    }

    fn is_ending(&self) -> bool {
        self.ending.load(Ordering::Relaxed)
    }
}

/// A program that the supervisor keeps running.
pub struct Supervised {
    name: &'static str,
    orders: mpsc::Sender<(Order, oneshot::Sender<()>)>,
    state: watch::Receiver<State>,
    task: tokio::task::JoinHandle<()>,
}

impl Supervised {
    /// Waits until the program is up. A failure of its first start is an error, because only the user can fix its
    /// cause.
    pub async fn ready(&self) -> Result<(), Error> {
        let mut state = self.state.clone();
        let reached = state
            .wait_for(|state| matches!(state, State::Up(_) | State::Failed(_)))
            .await
            .map_err(|_| format!("{} was stopped", self.name))?;
        match &*reached {
            State::Failed(why) => Err(format!("{} does not start: {why}", self.name).into()),
            _ => Ok(()),
        }
    }

    pub fn pid(&self) -> Option<u32> {
        match *self.state.borrow() {
            State::Up(pid) => Some(pid),
            _ => None,
        }
    }

    /// Kills the process as in a crash. It is started again.
    pub async fn kill(&self) -> Result<(), Error> {
        self.order(Order::Kill).await
    }

    /// Kills the process. It stays away until `restart`.
    pub async fn take_away(&self) -> Result<(), Error> {
        self.order(Order::TakeAway).await
    }

    /// Restarts the process, or starts it again after `take_away`. Returns when it is up.
    pub async fn restart(&self) -> Result<(), Error> {
        self.order(Order::Restart).await?;
        self.ready().await
    }

    pub async fn stop(self) -> Result<(), Error> {
        // The closed channel is the order to stop.
        drop(self.orders);
        Ok(self.task.await?)
    }

    async fn order(&self, order: Order) -> Result<(), Error> {
        let gone = || format!("{} was stopped", self.name);
        let (done, carried_out) = oneshot::channel();
        self.orders.send((order, done)).await.map_err(|_| gone())?;
        Ok(carried_out.await.map_err(|_| gone())?)
    }
}
