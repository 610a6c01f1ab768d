use serde::Deserialize;

use crate::{Attempt, Failure, Handler};

/// Handles the event that a test of a deployment sends. It ends at once, as its payload says, because any sender of
/// events may send it.
pub(super) struct Smoke;

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Wish {
    end: End,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum End {
    #[default]
    Well,
    /// Dies in its first attempt, so that its replay ends well.
    Dead,
}

impl Handler for Smoke {
    async fn handle(&self, attempt: &mut Attempt) -> Result<(), Failure> {
        match attempt.payload::<Wish>()?.end {
            End::Dead if attempt.number() == 1 => {
                Err(Failure::Permanent("the payload asked for this end".into()))
            }
            End::Well | End::Dead => Ok(()),
        }
    }
}
