//! A job in the form of `jobs.get`.

use serde_json::{Map, Value, json};

use super::{ErrorProto, Job, Outcome};

pub(crate) fn resource(job: &Job) -> Value {
    let reference = &job.reference;
    json!({
        "kind": "bigquery#job",
        "id": format!("{}:{}.{}", reference.project_id, reference.location, reference.job_id),
        "user_email": format!("local@{}.iam.gserviceaccount.com", reference.project_id),
        "jobReference": reference,
        "configuration": {
            "jobType": "LOAD",
            "load": job.configuration.load,
            "labels": job.configuration.labels,
        },
        "status": status(job),
        "statistics": statistics(job),
    })
}

fn status(job: &Job) -> Value {
    let mut status = Map::new();
    status.insert("state".to_owned(), job.state().into());
    match job.outcome() {
        Some(Outcome::Failed(failure)) => {
            let mut errors: Vec<&ErrorProto> = vec![&failure.result];
            errors.extend(&failure.causes);
            status.insert("errorResult".to_owned(), json!(failure.result));
            status.insert("errors".to_owned(), json!(errors));
        }
        Some(Outcome::Loaded(loaded)) if !loaded.bad_records.is_empty() => {
            status.insert("errors".to_owned(), json!(loaded.bad_records));
        }
        Some(Outcome::Loaded(_)) | None => {}
    }
    status.into()
}

/// 64-bit numbers are text in Google's JSON.
fn statistics(job: &Job) -> Value {
    let mut statistics = Map::new();
    let mut set = |name: &str, value: Value| statistics.insert(name.to_owned(), value);
    set("creationTime", job.created_at.to_string().into());
    if let Some(at) = job.started_at {
        set("startTime", at.to_string().into());
    }
    if let Some(ended) = &job.ended {
        set("endTime", ended.at.to_string().into());
    }
    if let Some(Outcome::Loaded(loaded)) = job.outcome() {
        let load = json!({
            "inputFiles": "1",
            "inputFileBytes": job.input_bytes.to_string(),
            "outputRows": loaded.file.rows.to_string(),
            "outputBytes": loaded.file.bytes.to_string(),
            "badRecords": loaded.bad_records.len().to_string(),
        });
        set("load", load);
    }
    statistics.into()
}
