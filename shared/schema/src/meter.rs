use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use serde_json::Number;

use crate::number;

/// A limit for the work of a validation. The validator has no limit of its own, and for some schemas the work is
/// exponential in the depth of the payload. The validator reads the payload through [`crate::node::Node`], which pays
/// here for each read, and a validation that costs too much is ended.
pub(crate) struct Meter {
    left: Cell<usize>,
    /// The number of errors that may still be reported.
    errors: Cell<usize>,
    /// The cost of each member of an object, since each pattern for names is matched with its name.
    pub(crate) member: usize,
    /// True if the largest double stands in for a number beyond the range of a double.
    stands_in: bool,
    stack: usize,
}

/// Half of the stack of a tokio thread, since a request is already a few frames deep.
const MAX_STACK: usize = 1024 * 1024;
/// The bytes of a string that can be read for the price of one step.
const BYTES: usize = 64;

/// The reason why a validation is ended early.
pub(crate) enum End {
    Spent,
    /// The validator asks for the size of a number beyond the range of a double.
    Incomparable,
}

impl Meter {
    pub(crate) fn new(steps: usize, errors: usize, member: usize, stands_in: bool) -> Self {
        Self { left: Cell::new(steps), errors: Cell::new(errors), member, stands_in, stack: here() }
    }

    /// A meter for one small value that is read beside the payload.
    pub(crate) fn of_one<T>(work: impl FnOnce(&Self) -> T) -> T {
        work(&Self::new(100_000, 1, 1, false))
    }

    /// Unwinds if no step is left, since the frames in between belong to the validator, which cannot stop early.
    pub(crate) fn spend(&self, steps: usize) {
        let deep = here().abs_diff(self.stack) > MAX_STACK;
        match self.left.get().checked_sub(steps) {
            Some(left) if !deep => self.left.set(left),
            _ => end(End::Spent),
        }
    }

    /// Must be called before a number is compared with another.
    pub(crate) fn compare(&self, number: &Number) {
        if self.stands_in && number::is_stand_in(number) {
            end(End::Incomparable);
        }
    }

    pub(crate) fn text(&self, text: &str) {
        self.spend(1 + text.len() / BYTES);
    }

    /// Counts one more error. True if it may be reported.
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

/// The result of `work`, or the reason why it was ended.
pub(crate) fn metered<T>(meter: &Meter, work: impl FnOnce(&Meter) -> T) -> Result<T, End> {
    catch_unwind(AssertUnwindSafe(|| work(meter))).map_err(|panic| match panic.downcast() {
        Ok(end) => *end,
        Err(panic) => resume_unwind(panic),
    })
}

/// The address that the stack has grown to.
fn here() -> usize {
    let local = 0_u8;
    std::ptr::from_ref(&local).addr()
}
