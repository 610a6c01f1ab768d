use std::{
    process::Stdio,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{sleep, timeout},
};

use super::{Child, Program, Supervisor, ending, log::Log};
use crate::Error;

const ASK_EVERY: Duration = Duration::from_millis(20);
const LAST_WORDS: Duration = Duration::from_millis(500);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// A process that lived this long was healthy, so the next pause is the first one again.
const WELL: Duration = Duration::from_secs(10);

pub(super) enum Order {
    Kill,
    TakeAway,
    Restart,
}

pub(super) type Inbox = mpsc::Receiver<(Order, oneshot::Sender<()>)>;

#[derive(Clone, Debug)]
pub(super) enum State {
    Starting,
    Up(u32),
    Away,
    /// The process ended before it was up for the first time.
    Failed(String),
}

/// The reason for which one life of a process ended.
enum End {
    Died(String),
    Ordered(Order, oneshot::Sender<()>),
    /// The channel of orders is closed, so the process has to stop.
    Closed,
}

pub(super) struct Lives<P> {
    pub(super) program: P,
    pub(super) supervisor: Arc<Supervisor>,
    pub(super) log: Arc<Log>,
    pub(super) inbox: Inbox,
    pub(super) state: watch::Sender<State>,
}

impl<P: Program> Lives<P> {
    pub(super) async fn lead(mut self) {
        let mut pause = FIRST_PAUSE;
        let mut was_up = false;
        loop {
            let start = Instant::now();
            let end = self.live().await;
            was_up |= matches!(*self.state.borrow(), State::Up(_));
            let goes_on = match end.unwrap_or_else(|error| End::Died(error.to_string())) {
                End::Died(why) if !was_up => {
                    self.state.send_replace(State::Failed(format!("{why}\n{}", self.log.recent())));
                    false
                }
                End::Died(why) => {
                    pause = next_pause(pause, start.elapsed());
                    self.mourn(&why, pause).await
                }
                End::Ordered(order, done) => self.obey(order, done).await,
                End::Closed => false,
            };
            if !goes_on {
                return;
            }
        }
    }

    async fn live(&mut self) -> Result<End, Error> {
        self.program.before().await?;
        let (mut child, silence) = self.spawn()?;
        let end = self.attend(&mut child).await?;
        match end {
            // Its last output matters most, but its own child processes may hold the output open.
            End::Died(_) => _ = timeout(LAST_WORDS, silence).await,
            End::Ordered(Order::Kill | Order::TakeAway, _) => _ = child.kill().await?,
            End::Ordered(Order::Restart, _) | End::Closed => self.stop(&mut child).await?,
        }
        Ok(end)
    }

    fn spawn(&self) -> Result<(Child, impl Future<Output = ()> + use<P>), Error> {
        let mut command = tokio::process::Command::from(self.program.command());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let guard = self.supervisor.guard().clone();
        let mut child = Child::spawn(command, self.program.end(), guard)?;
        let silence = self.log.listen(&mut child);
        Ok((child, silence))
    }

    async fn attend(&mut self, child: &mut Child) -> Result<End, Error> {
        let pid = child.pid();
        let up = up(&self.program, pid);
        tokio::pin!(up);
        let mut is_up = false;
        loop {
            tokio::select! {
                status = child.wait() => return Ok(End::Died(ending(status?))),
                order = self.inbox.recv() => {
                    return Ok(order.map_or(End::Closed, |(order, done)| End::Ordered(order, done)));
                }
                equipped = &mut up, if !is_up => {
                    equipped?;
                    is_up = true;
                    self.state.send_replace(State::Up(pid));
                }
            }
        }
    }

    async fn stop(&self, child: &mut Child) -> Result<(), Error> {
        let in_order = tokio::select! {
            status = child.stop(self.program.patience()) => Some(status?),
            () = self.supervisor.hurried() => None,
        };
        if in_order.is_none() {
            child.kill().await?;
        }
        Ok(())
    }

    /// Returns false if the process was stopped meanwhile.
    async fn mourn(&mut self, why: &str, pause: Duration) -> bool {
        self.state.send_replace(State::Starting);
        let name = self.program.name();
        self.supervisor.news(name, format!("died ({why}) and is started again"));
        tokio::select! {
            () = sleep(pause) => true,
            order = self.inbox.recv() => match order {
                Some((order, done)) => self.obey(order, done).await,
                None => false,
            }
        }
    }

    async fn obey(&mut self, order: Order, done: oneshot::Sender<()>) -> bool {
        let is_away = matches!(order, Order::TakeAway);
        let state = if is_away { State::Away } else { State::Starting };
        self.state.send_replace(state);
        // The sender may have stopped waiting. The order is carried out in any case.
        let _ = done.send(());
        while matches!(*self.state.borrow(), State::Away) {
            let Some((order, done)) = self.inbox.recv().await else {
                return false;
            };
            if matches!(order, Order::Restart) {
                self.state.send_replace(State::Starting);
            }
            let _ = done.send(());
        }
        true
    }
}

async fn up(program: &impl Program, pid: u32) -> Result<(), Error> {
    while !program.is_ready(pid).await {
        sleep(ASK_EVERY).await;
    }
    program.equip().await
}

fn next_pause(last: Duration, lived: Duration) -> Duration {
    if lived >= WELL { FIRST_PAUSE } else { (last * 2).min(LONGEST_PAUSE) }
}
