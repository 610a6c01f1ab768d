//! Events that BigQuery did not take.

pub(crate) mod list;
pub(crate) mod retry;
