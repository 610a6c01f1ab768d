use crate::{Attempt, Failure, Handler};

/// Every type without a handler of its own: the event is kept and loaded, and there is nothing else to do.
pub(super) struct Finish;

impl Handler for Finish {
    async fn handle(&self, _: &mut Attempt) -> Result<(), Failure> {
        Ok(())
    }
}
