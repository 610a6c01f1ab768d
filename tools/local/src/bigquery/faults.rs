//! Faults that a test asks for, with `GET` and `PUT /control/faults`.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use super::error::ApiError;
use super::job::ErrorProto;
use super::load::{NumberRule, Unfit};
use super::warehouse::Warehouse;

/// The faults in force. Counts fall with each use. `PUT` replaces all faults.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(crate) struct Faults {
    /// The next jobs end with this error.
    fail_jobs: Option<FailJobs>,
    /// The next requests of `jobs.insert` get this status.
    http: Option<HttpFault>,
    /// This many jobs are accepted without an answer.
    lose_responses: u32,
    /// This many uploads lose their connection half-way through a chunk.
    cut_uploads: u32,
    /// The delay of every request.
    delay_ms: u64,
    /// The shortest run time of a job.
    job_running_ms: u64,
    deny_create: DenyCreate,
    /// A row that contains this text is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    invalid_rows: Option<String>,
    /// The numbers that a column of JSON refuses.
    #[serde(skip_serializing_if = "Option::is_none")]
    numbers: Option<NumberRule>,
    /// Replaces the quota that the stand-in was started with.
    #[serde(skip_serializing_if = "Option::is_none")]
    loads_per_table_per_day: Option<usize>,
    /// The most rows of a page, whatever a request asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    rows_per_page: Option<usize>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FailJobs {
    reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    count: u32,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HttpFault {
    status: u16,
    /// Without a count the fault stays in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u32>,
    #[serde(default = "always")]
    probability: f64,
}

fn always() -> f64 {
    1.0
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct DenyCreate {
    dataset: bool,
    table: bool,
}

impl Faults {
    fn check(&self) -> Result<(), ApiError> {
        if self.fail_jobs.as_ref().is_some_and(|f| f.reason.is_empty()) {
            return Err(ApiError::invalid("failJobs.reason is empty"));
        }
        if self.invalid_rows.as_ref().is_some_and(String::is_empty) {
            return Err(ApiError::invalid("invalidRows is empty"));
        }
        if self.rows_per_page == Some(0) {
            return Err(ApiError::invalid("rowsPerPage is 0"));
        }
        let Some(http) = &self.http else {
            return Ok(());
        };
        if !(400..=599).contains(&http.status) {
            return Err(ApiError::invalid("http.status is not from 400 to 599"));
        }
        if !(0.0..=1.0).contains(&http.probability) {
            return Err(ApiError::invalid("http.probability is not from 0 to 1"));
        }
        Ok(())
    }
}

/// The faults in force, which the stand-in asks at each place where a fault may happen.
#[derive(Default)]
pub(crate) struct FaultPlan(Mutex<Faults>);

impl FaultPlan {
    fn lock(&self) -> MutexGuard<'_, Faults> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn refuse_insert(&self) -> Result<(), ApiError> {
        let mut faults = self.lock();
        let Some(http) = &mut faults.http else {
            return Ok(());
        };
        if http.count == Some(0) || !rand::random_bool(http.probability) {
            return Ok(());
        }
        http.count = http.count.map(|count| count - 1);
        let status = StatusCode::from_u16(http.status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
        let reason = match http.status {
            403 => "accessDenied",
            429 => "rateLimitExceeded",
            503 => "backendError",
            400..=499 => "invalid",
            _ => "internalError",
        };
        Err(ApiError::new(status, reason, "This request was told to fail."))
    }

    pub(crate) fn fail_job(&self) -> Option<ErrorProto> {
        let mut faults = self.lock();
        let fault = faults.fail_jobs.as_mut().filter(|fault| fault.count > 0)?;
        fault.count -= 1;
        let told = "This job was told to fail.";
        let message = fault.message.clone().unwrap_or_else(|| told.to_owned());
        Some(ErrorProto::new(&fault.reason, message))
    }

    pub(crate) fn unfit(&self) -> Unfit {
        let faults = self.lock();
        Unfit { containing: faults.invalid_rows.clone(), numbers: faults.numbers }
    }

    pub(crate) fn lose_response(&self) -> bool {
        take_one(&mut self.lock().lose_responses)
    }

    pub(crate) fn cut_upload(&self) -> bool {
        take_one(&mut self.lock().cut_uploads)
    }

    pub(crate) fn delay(&self) -> Duration {
        Duration::from_millis(self.lock().delay_ms)
    }

    pub(crate) fn job_running(&self) -> Duration {
        Duration::from_millis(self.lock().job_running_ms)
    }

    pub(crate) fn denies_dataset(&self) -> bool {
        self.lock().deny_create.dataset
    }

    pub(crate) fn denies_table(&self) -> bool {
        self.lock().deny_create.table
    }

    pub(crate) fn loads_per_table_per_day(&self) -> Option<usize> {
        self.lock().loads_per_table_per_day
    }

    pub(crate) fn rows_per_page(&self) -> Option<usize> {
        self.lock().rows_per_page
    }
}

fn take_one(count: &mut u32) -> bool {
    let any = *count > 0;
    *count = count.saturating_sub(1);
    any
}

pub(crate) async fn get(State(warehouse): State<Arc<Warehouse>>) -> Json<Faults> {
    Json(warehouse.faults.lock().clone())
}

pub(crate) async fn put(
    State(warehouse): State<Arc<Warehouse>>,
    body: Result<Json<Faults>, JsonRejection>,
) -> Result<StatusCode, ApiError> {
    let Json(faults) = body?;
    faults.check()?;
    *warehouse.faults.lock() = faults;
    Ok(StatusCode::NO_CONTENT)
}
