use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use serde_json::Number;

use crate::number;

/// A validator has no bound of its own, and for some schemas the work is exponential in the depth of the payload. It sees
/// the payload through [`crate::node::Node`], which pays here for each look, and what costs too much is ended.
pub(crate) struct Meter {
    left: Cell<usize>,
    /// How many errors may still be told.
    errors: Cell<usize>,
    /// What each member of an object costs, since each pattern for names is held against it.
    pub(crate) member: usize,
    /// Whether the largest double stands in for a number that no double reaches.
    stands_in: bool,
    stack: usize,
}

/// Half of what a thread of tokio's has, since a request is a few frames deep already.
const MAX_STACK: usize = 1024 * 1024;
/// The bytes of a string that are looked at for the price of one step.
const BYTES: usize = 64;

/// Why a validator is ended before it is done.
pub(crate) enum End {
    Spent,
    /// It asks how large a number is that no double reaches.
    Incomparable,
}

impl Meter {
    pub(crate) fn new(steps: usize, errors: usize, member: usize, stands_in: bool) -> Self {
        Self { left: Cell::new(steps), errors: Cell::new(errors), member, stands_in, stack: here() }
    }

    /// A meter of one small thing that is looked at beside the payload.
    pub(crate) fn of_one<T>(work: impl FnOnce(&Self) -> T) -> T {
        work(&Self::new(100_000, 1, 1, false))
    }

    /// Unwinds where nothing is left: the frames in between belong to the validator, which knows of no end but the last.
    pub(crate) fn spend(&self, steps: usize) {
        let deep = here().abs_diff(self.stack) > MAX_STACK;
        match self.left.get().checked_sub(steps) {
            Some(left) if !deep => self.left.set(left),
            _ => end(End::Spent),
        }
    }

    /// To be asked before a number is compared with any other.
    pub(crate) fn compare(&self, number: &Number) {
        if self.stands_in && number::is_stand_in(number) {
            end(End::Incomparable);
        }
    }

    pub(crate) fn text(&self, text: &str) {
        self.spend(1 + text.len() / BYTES);
    }

    /// Whether one more error is told.
    pub(crate) fn tell(&self) -> bool {
        let left = self.errors.get();
        self.errors.set(left.saturating_sub(1));
        left > 0
    }

    pub(crate) fn has_told_enough(&self) -> bool {
        self.errors.get() == 0
    }
}

fn end(why: End) -> ! {
    resume_unwind(Box::new(why))
}

/// What `work` gives, or why it was ended.
pub(crate) fn metered<T>(meter: &Meter, work: impl FnOnce(&Meter) -> T) -> Result<T, End> {
    catch_unwind(AssertUnwindSafe(|| work(meter))).map_err(|panic| match panic.downcast() {
        Ok(end) => *end,
        Err(panic) => resume_unwind(panic),
    })
}

/// Where the stack has grown to.
fn here() -> usize {
    let local = 0_u8;
    std::ptr::from_ref(&local).addr()
}
