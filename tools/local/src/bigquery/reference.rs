//! The names of datasets, tables and jobs, and their spelling in messages.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::error::ApiError;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct DatasetRef {
    /// If a body leaves it out, the project of the path is used.
    #[serde(default)]
    pub(crate) project_id: String,
    pub(crate) dataset_id: String,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[allow(clippy::struct_field_names, reason = "the names are Google's")]
pub(crate) struct TableRef {
    /// If a body leaves it out, the project of the path is used.
    #[serde(default)]
    pub(crate) project_id: String,
    pub(crate) dataset_id: String,
    pub(crate) table_id: String,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JobKey {
    pub(crate) project_id: String,
    pub(crate) job_id: String,
}

impl TableRef {
    pub(crate) fn dataset(&self) -> DatasetRef {
        DatasetRef { project_id: self.project_id.clone(), dataset_id: self.dataset_id.clone() }
    }
}

impl fmt::Display for DatasetRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.project_id, self.dataset_id)
    }
}

impl fmt::Display for TableRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}.{}", self.project_id, self.dataset_id, self.table_id)
    }
}

impl fmt::Display for JobKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.project_id, self.job_id)
    }
}

/// Checks for letters, digits, underscores, and the other characters that this kind of name allows.
pub(crate) fn check_id(field: &str, id: &str, also: &[char]) -> Result<(), ApiError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || also.contains(&c);
    if (1..=1024).contains(&id.len()) && id.chars().all(fits) {
        return Ok(());
    }
    Err(ApiError::invalid(format!("Invalid value for {field}: \"{id}\"")))
}
