//! The only deployed crate that contains SQL. Each statement of the hot path has its own commit. Statements that must
//! commit together with a handler's work go through [`Transaction`].

mod adopt;
mod api_keys;
mod audit;
mod audit_log;
mod claim;
mod cursor;
mod demo;
mod error;
mod event_types;
mod excerpt;
mod finish;
mod hint;
mod insert;
mod kept;
mod keys;
mod loads;
mod metrics;
mod partitions;
mod period;
mod records;
mod relay;
mod replay;
mod retention;
mod session;
mod sweep;
#[cfg(feature = "testing")]
pub mod testing;
mod text;
mod together;
mod transaction;
mod unreadable;
mod watchdog;
mod xid;

pub use adopt::{Adopted, Adoption};
pub use api_keys::{ActiveKey, Change, KeyChanges, KeyRecord, KeyRefusal, KeySecret, KeySettings, Rotated};
pub use audit::Correction;
pub use audit_log::{Act, AuditEntry};
pub use claim::{Claim, ClaimTerms, Claimant};
pub use error::Error;
pub use event_types::{CurrentSchema, CurrentSchemas, EventTypeRecord, EventTypeVersion, Mode, PutSchema};
pub use excerpt::Excerpt;
pub use finish::Failure;
pub use insert::Batch;
pub use keys::{IdempotencyKey, KeyScope, KnownKey};
pub use loads::{
    Begun, Cut, FlusherLease, Ground, Holder, JOB_PREFIX, Load, LoadJob, LoadPage, LoadRecord, LoadRow,
    LoadStatus, Numbers, Place, PutOff, Reject, Room, Turn, Unloaded, Waiting,
};
pub use metrics::{Metrics, TypeCount};
pub use partitions::WEEKS_AHEAD;
pub use period::{Period, Position};
pub use records::{Attempt, Filter, History, Listed, Outcome, Payload, Record, Replay};
pub use relay::{Overdue, Undelivered};
pub use replay::Replayed;
pub use retention::Expired;
pub use session::{DatabaseUrl, Store, StoreConfig};
pub use transaction::{Succeeded, Transaction};
pub use unreadable::{UnreadableBody, UnreadableMessage, UnreadableMessages};
pub use xid::Xid;
