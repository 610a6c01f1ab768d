//! Load jobs: the request of a client, and the result.

mod handlers;
mod resource;

pub(crate) use handlers::{get, insert, list};
pub(crate) use resource::resource;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::catalog::RowFile;
use super::error::ApiError;
use super::reference::{JobKey, TableRef, check_id};
use super::schema::Schema;
use super::table::{Clustering, TimePartitioning};

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JobRequest {
    #[serde(default)]
    pub(crate) job_reference: RequestedReference,
    pub(crate) configuration: Configuration,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(crate) struct RequestedReference {
    pub(crate) project_id: Option<String>,
    pub(crate) job_id: Option<String>,
    pub(crate) location: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Configuration {
    pub(crate) load: LoadConfiguration,
    #[serde(default)]
    pub(crate) labels: BTreeMap<String, String>,
}

/// The options of a load. An unknown option is refused, because BigQuery would obey it and the stand-in would not.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct LoadConfiguration {
    pub(crate) destination_table: TableRef,
    source_format: SourceFormat,
    #[serde(default)]
    pub(crate) write_disposition: WriteDisposition,
    #[serde(default)]
    pub(crate) create_disposition: CreateDisposition,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) schema: Option<Schema>,
    #[serde(default)]
    pub(crate) ignore_unknown_values: bool,
    #[serde(default)]
    pub(crate) max_bad_records: u64,
    #[serde(default)]
    autodetect: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) time_partitioning: Option<TimePartitioning>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) clustering: Option<Clustering>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum SourceFormat {
    NewlineDelimitedJson,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) enum WriteDisposition {
    #[default]
    #[serde(rename = "WRITE_APPEND")]
    Append,
    #[serde(rename = "WRITE_TRUNCATE")]
    Truncate,
    #[serde(rename = "WRITE_EMPTY")]
    Empty,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) enum CreateDisposition {
    #[default]
    #[serde(rename = "CREATE_IF_NEEDED")]
    IfNeeded,
    #[serde(rename = "CREATE_NEVER")]
    Never,
}

impl JobRequest {
    pub(crate) fn check(&self) -> Result<(), ApiError> {
        if let Some(id) = &self.job_reference.job_id {
            check_id("jobReference.jobId", id, &['-'])?;
        }
        if self.configuration.load.autodetect {
            return Err(ApiError::invalid("configuration.load.autodetect is not supported"));
        }
        if let Some(schema) = &self.configuration.load.schema {
            schema.check()?;
        }
        Ok(())
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JobReference {
    pub(crate) project_id: String,
    pub(crate) job_id: String,
    pub(crate) location: String,
}

impl JobReference {
    pub(crate) fn key(&self) -> JobKey {
        JobKey { project_id: self.project_id.clone(), job_id: self.job_id.clone() }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) reference: JobReference,
    pub(crate) configuration: Configuration,
    /// The upload that brought the rows.
    pub(crate) upload: Uuid,
    pub(crate) input_bytes: u64,
    pub(crate) created_at: i64,
    pub(crate) started_at: Option<i64>,
    pub(crate) ended: Option<Ended>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Ended {
    pub(crate) at: i64,
    pub(crate) outcome: Outcome,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Outcome {
    Loaded(Loaded),
    Failed(Failure),
}

/// A successful load. Bad records that the job tolerates are listed as errors.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Loaded {
    pub(crate) file: RowFile,
    pub(crate) bad_records: Vec<ErrorProto>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Failure {
    pub(crate) result: ErrorProto,
    /// The single causes, if the result is a summary.
    pub(crate) causes: Vec<ErrorProto>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ErrorProto {
    pub(crate) reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) location: Option<String>,
    pub(crate) message: String,
}

impl ErrorProto {
    pub(crate) fn new(reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self { reason: reason.into(), location: None, message: message.into() }
    }
}

impl From<ErrorProto> for Failure {
    fn from(result: ErrorProto) -> Self {
        Self { result, causes: Vec::new() }
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        ErrorProto::new(error.reason, error.message).into()
    }
}

impl Job {
    pub(crate) fn outcome(&self) -> Option<&Outcome> {
        self.ended.as_ref().map(|ended| &ended.outcome)
    }

    pub(crate) fn state(&self) -> &'static str {
        match (&self.ended, self.started_at) {
            (Some(_), _) => "DONE",
            (None, Some(_)) => "RUNNING",
            (None, None) => "PENDING",
        }
    }
}
