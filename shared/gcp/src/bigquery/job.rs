use gcp_bigquery_client::model::error_proto::ErrorProto;
use gcp_bigquery_client::model::job::Job as Resource;

use super::BigQuery;
use super::error::Error;
use super::reason::Reason;

/// The state of a load job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Job {
    /// BigQuery does not know the job. (It forgets a job after six months.)
    Unknown,
    Running,
    Done {
        output_rows: u64,
        output_bytes: u64,
    },
    /// The job has loaded nothing, since a load is all or nothing.
    Failed {
        reason: Reason,
        message: String,
        errors: Vec<JobError>,
    },
}

/// One error of a job, about a row or about the whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobError {
    pub reason: Reason,
    pub location: Option<String>,
    pub message: String,
}

impl BigQuery {
    /// Asks for the state of the job. Any error means that the state is unknown.
    pub async fn job(&self, job_id: &str) -> Result<Job, Error> {
        let location = self.location().await?;
        let jobs = self.connection().await?.client.job();
        let answer = self.bounded(jobs.get_job(&self.shared.config.project, job_id, location)).await;
        match answer {
            Ok(resource) => read(resource),
            Err(error) if error.has_reason(&Reason::NotFound) => Ok(Job::Unknown),
            Err(error) => Err(error),
        }
    }
}

fn read(resource: Resource) -> Result<Job, Error> {
    let status = resource.status.unwrap_or_default();
    match status.state.as_deref() {
        Some("PENDING" | "RUNNING") => return Ok(Job::Running),
        Some("DONE") => {}
        state => return Err(Error::Unknown(format!("a job in the state {state:?}"))),
    }
    if let Some(error) = status.error_result {
        let JobError { reason, message, .. } = error.into();
        let errors = status.errors.unwrap_or_default();
        return Ok(Job::Failed { reason, message, errors: errors.into_iter().map(JobError::from).collect() });
    }
    let load = resource.statistics.and_then(|statistics| statistics.load);
    let load = load.unwrap_or_default();
    Ok(Job::Done {
        output_rows: number("outputRows", load.output_rows)?,
        output_bytes: number("outputBytes", load.output_bytes)?,
    })
}

/// Reads a 64-bit number, which BigQuery writes as text. A missing count is not zero, since rows are marked as loaded
/// by it.
fn number(name: &str, text: Option<String>) -> Result<u64, Error> {
    text.and_then(|text| text.parse().ok())
        .ok_or_else(|| Error::Unknown(format!("a finished load job without {name}")))
}

impl From<ErrorProto> for JobError {
    fn from(error: ErrorProto) -> Self {
        Self {
            reason: error.reason.unwrap_or_default().as_str().into(),
            location: error.location.filter(|location| !location.is_empty()),
            message: error.message.unwrap_or_default(),
        }
    }
}
