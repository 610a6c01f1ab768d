use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// Calls that arrive while a statement runs share the next one. A call that comes alone runs at once, and no timer is
/// needed.
pub(crate) struct Together<T, R>(Arc<Mutex<Queue<T, R>>>);

struct Queue<T, R> {
    waiting: Vec<(T, oneshot::Sender<R>)>,
    is_running: bool,
}

/// The most calls in one statement. A longer statement is not faster, and its rows are locked longer.
const MOST: usize = 100;

impl<T: Send + 'static, R: Send + 'static> Together<T, R> {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Queue { waiting: Vec::new(), is_running: false })))
    }

    /// The result of `run` for this item. `run` answers in the order of the items. None if it panicked.
    pub(crate) async fn call<F>(&self, item: T, run: impl Fn(Vec<T>) -> F + Send + 'static) -> Option<R>
    where
        F: Future<Output = Vec<R>> + Send,
    {
        let (answer, answered) = oneshot::channel();
        let is_first = {
            let mut queue = self.lock();
            queue.waiting.push((item, answer));
            !std::mem::replace(&mut queue.is_running, true)
        };
        if is_first {
            let shift = Shift { together: self.clone(), is_over: false };
            tokio::spawn(async move {
                while let Some((items, answers)) = shift.together.next() {
                    for (result, answer) in run(items).await.into_iter().zip(answers) {
                        // A caller that went away needs no answer.
                        let _ = answer.send(result);
                    }
                }
                shift.end();
            });
        }
        answered.await.ok()
    }

    fn next(&self) -> Option<(Vec<T>, Vec<oneshot::Sender<R>>)> {
        let mut queue = self.lock();
        let count = queue.waiting.len().min(MOST);
        queue.is_running = count > 0;
        queue.is_running.then(|| queue.waiting.drain(..count).unzip())
    }

    fn lock(&self) -> MutexGuard<'_, Queue<T, R>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The guard of the running task. If the task ends early by a panic, the guard ends the waiting calls, which would
/// otherwise wait for ever.
struct Shift<T, R> {
    together: Together<T, R>,
    is_over: bool,
}

impl<T, R> Shift<T, R> {
    fn end(mut self) {
        self.is_over = true;
    }
}

impl<T, R> Drop for Shift<T, R> {
    fn drop(&mut self) {
        if !self.is_over {
            let mut queue = self.together.0.lock().unwrap_or_else(PoisonError::into_inner);
            queue.waiting.clear();
            queue.is_running = false;
        }
    }
}

impl<T, R> Clone for Together<T, R> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::time::Duration;

    use tokio::time::sleep;

    use super::*;

    #[tokio::test]
    async fn who_comes_meanwhile_shares_the_next() {
        let together = Together::new();
        let call = |n: u32| {
            together.call(n, |items: Vec<u32>| async move {
                sleep(Duration::from_millis(10)).await;
                let size = items.len();
                items.into_iter().map(|n| (n, size)).collect()
            })
        };
        let first = async { call(1).await };
        let meanwhile = async {
            sleep(Duration::from_millis(5)).await;
            futures::future::join(call(2), call(3)).await
        };
        let answers = tokio::join!(first, meanwhile);
        assert_eq!(answers, (Some((1, 1)), (Some((2, 2)), Some((3, 2)))));
        assert_eq!(call(4).await, Some((4, 1)));
    }

    #[tokio::test]
    async fn a_panic_ends_the_calls_that_wait_and_no_later_one() {
        let together = Together::<u32, u32>::new();
        let bad = |_| async { panic!("no answer") };
        let (first, second) = tokio::join!(together.call(1, bad), together.call(2, bad));
        assert_eq!((first, second), (None, None));
        assert_eq!(together.call(3, |items| async { items }).await, Some(3));
    }
}
