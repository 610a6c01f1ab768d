use serde::Deserialize;

use super::demo_flaky::Wish;
use crate::{Attempt, Failure, Handler};

/// Appends a row in the transaction of its event, so that a test can count that each event takes effect once. The
/// payload may ask for a failure after the row is written, which must leave no row.
pub(super) struct DemoLedger;

#[derive(Deserialize)]
struct Entry {
    weight: i64,
    /// Ends the database session of its own transaction.
    #[serde(default, rename = "endSession")]
    end_session: bool,
    #[serde(flatten)]
    wish: Wish,
}

impl Handler for DemoLedger {
    async fn handle(&self, attempt: &mut Attempt) -> Result<(), Failure> {
        let entry: Entry = attempt.payload()?;
        let (id, number) = (attempt.event.id, attempt.number());
        let transaction = attempt.transaction().await?;
        transaction.append_to_demo_ledger(id, number, entry.weight).await?;
        if entry.end_session {
            transaction.end_session().await?;
        }
        entry.wish.grant(number).await
    }
}
