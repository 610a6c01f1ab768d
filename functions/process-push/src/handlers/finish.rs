use crate::{Attempt, Failure, Handler};

/// Handles every type without its own handler: the event is stored and loaded, and there is nothing else to do.
pub(super) struct Finish;

impl Handler for Finish {
    async fn handle(&self, _: &mut Attempt) -> Result<(), Failure> {
        Ok(())
    }
}
