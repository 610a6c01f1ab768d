use local::stack::Part;
use serde_json::json;

use super::{Fault, Kind};
use crate::Error;

impl Fault {
    pub(super) async fn bigquery(&mut self) -> Result<(), Error> {
        let (name, value) = match self.kind {
            Kind::Status500 => ("http", json!({"status": 500, "probability": 0.7})),
            Kind::Status503 => ("http", json!({"status": 503, "probability": 0.7})),
            Kind::Status429 => ("http", json!({"status": 429, "probability": 0.7})),
            Kind::AcceptedWithoutAnswer => ("loseResponses", json!(3)),
            Kind::UploadCut => ("cutUploads", json!(3)),
            Kind::JobFails => ("failJobs", json!({"reason": "backendError", "count": 2})),
            _ => ("delayMs", json!(700)),
        };
        self.in_stand_in(Part::Bigquery, name, value, 2_500..6_000).await
    }
}
