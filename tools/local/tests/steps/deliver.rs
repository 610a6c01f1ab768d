//! Deliveries: pushed, held, released, refused, cut off.

use axum::http::{Request, StatusCode};
use service::testing::Answer;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::mail::Message;
use crate::stage::{Ending, Part};
use crate::system::{System, take};

/// The most held deliveries of a worker. A worker runs four at once, and the others need room.
const HELD_OF_A_WORKER: usize = 2;

/// A delivery whose handler waits for the instruction how to end.
pub(crate) struct Held {
    worker: usize,
    message: Message,
    end: oneshot::Sender<Ending>,
    answer: JoinHandle<Answer>,
}

impl System {
    pub(crate) async fn push(
        &mut self,
        copy: usize,
        worker: usize,
        ending: Ending,
        answered: bool,
    ) -> Result<(), String> {
        let Some(message) = take(&mut self.mail.copies, copy) else { return Ok(()) };
        self.stage.direct(Part::Short(ending));
        let answer = self.call(worker, "/push", &message).await.unwrap();
        self.settle(message, &answer, answered)
    }

    pub(crate) async fn hold(&mut self, copy: usize, worker: usize) -> Result<(), String> {
        if self.held.iter().filter(|held| held.worker == worker).count() >= HELD_OF_A_WORKER {
            return Ok(());
        }
        let Some(message) = take(&mut self.mail.copies, copy) else { return Ok(()) };
        let (begun, begins) = oneshot::channel();
        let (end, ends) = oneshot::channel();
        self.stage.direct(Part::Long { begun, end: ends });
        let mut answer = self.call(worker, "/push", &message);
        tokio::select! {
            Ok(()) = begins => {
                self.held.push(Held { worker, message, end, answer });
                Ok(())
            }
            answer = &mut answer => self.settle(message, &answer.unwrap(), true),
        }
    }

    pub(crate) async fn release(
        &mut self,
        held: usize,
        ending: Ending,
        answered: bool,
    ) -> Result<(), String> {
        let Some(held) = take(&mut self.held, held) else { return Ok(()) };
        held.end.send(ending).unwrap();
        let answer = held.answer.await.unwrap();
        self.settle(held.message, &answer, answered)
    }

    pub(crate) async fn dead_letter(
        &mut self,
        copy: usize,
        worker: usize,
        answered: bool,
    ) -> Result<(), String> {
        let Some(message) = take(&mut self.mail.dead_letters, copy) else { return Ok(()) };
        let answer = self.call(worker, "/dead-letter", &message).await.unwrap();
        if answer.status != StatusCode::NO_CONTENT {
            return Err(format!("a dead letter was answered {}", answer.status));
        }
        if !answered {
            self.mail.dead_letters.push(message);
        }
        Ok(())
    }

    /// Cuts off all work of the worker. Its messages are delivered again.
    pub(crate) async fn crash(&mut self, worker: usize) {
        self.replace(worker).await;
        for held in self.all_held_by(worker) {
            self.mail.refused(held.message);
        }
    }

    /// Stops the worker with time for the process to finish.
    pub(crate) async fn stop(&mut self, worker: usize) -> Result<(), String> {
        self.workers[worker].shutdown.request();
        for held in self.all_held_by(worker) {
            let answer = held.answer.await.unwrap();
            self.settle(held.message, &answer, true)?;
        }
        self.replace(worker).await;
        Ok(())
    }

    fn all_held_by(&mut self, worker: usize) -> Vec<Held> {
        let (its, others) = self.held.drain(..).partition(|held| held.worker == worker);
        self.held = others;
        its
    }

    fn call(&self, worker: usize, path: &str, message: &Message) -> JoinHandle<Answer> {
        let request = Request::post(path).header("authorization", &self.tokens.push);
        self.workers[worker].process.call(request.body(message.envelope()).unwrap())
    }

    fn settle(&mut self, message: Message, answer: &Answer, answered: bool) -> Result<(), String> {
        self.stage.dismiss();
        if answer.status.is_server_error() {
            return Err(format!("a delivery was answered {}", answer.status));
        }
        if !(answered && answer.status == StatusCode::NO_CONTENT) {
            self.mail.refused(message);
        }
        Ok(())
    }
}
