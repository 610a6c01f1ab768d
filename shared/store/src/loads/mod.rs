//! The load ledger: the part of the log that each BigQuery job loads, and the state of that load.

mod backlog;
mod copy;
mod cured;
mod ends;
mod jobs;
mod lease;
mod numbers;
mod page;
mod range;
mod records;
mod rejects;
mod split;

use uuid::Uuid;

use crate::Xid;

pub use backlog::{Holder, Unloaded, Waiting};
pub use ends::PutOff;
pub use jobs::{Begun, JOB_PREFIX, Room};
pub use lease::FlusherLease;
pub use numbers::Numbers;
pub use page::{LoadPage, LoadRow};
pub use range::{Ground, Turn};
pub use records::{LoadJob, LoadRecord, LoadStatus};
pub use rejects::Reject;
pub use split::Cut;

/// A place in the log: rows of one transaction follow each other by their ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub xid: Xid,
    pub id: Uuid,
}

/// A closed range of the log, and the job that loads it.
#[derive(Clone, Debug)]
pub struct Load {
    pub id: i64,
    pub from_xid: Xid,
    pub from_id: Uuid,
    pub to_xid: Xid,
    pub to_id: Uuid,
    pub rows: i64,
    pub job_id: String,
    /// The number of splits that made this range.
    pub depth: i32,
    /// The batch, if the rows of the range are rejects and not events.
    pub batch: Option<i64>,
    /// True if the job was seen to end in error, so that the next try needs a new name.
    pub job_over: bool,
    pub failure: Option<String>,
    /// The form of the numbers in the uploaded rows.
    pub numbers: Numbers,
    /// The number of uploads into this job that were begun.
    pub uploads: i32,
}

impl Load {
    pub fn from(&self) -> Place {
        Place { xid: self.from_xid, id: self.from_id }
    }

    pub fn to(&self) -> Place {
        Place { xid: self.to_xid, id: self.to_id }
    }

    pub fn is_part(&self) -> bool {
        self.depth > 0
    }
}
