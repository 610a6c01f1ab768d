//! Datasets: insert, get, list, delete.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::catalog::Record;
use super::error::ApiError;
use super::reference::{DatasetRef, check_id};
use super::warehouse::Warehouse;

/// A dataset. Clients also send fields that belong only to the answer, such as its times. These are ignored.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::struct_field_names, reason = "the names are Google's")]
pub(crate) struct Dataset {
    pub(crate) dataset_reference: DatasetRef,
    #[serde(default = "default_location", deserialize_with = "location")]
    pub(crate) location: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    friendly_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    created_at: i64,
}

fn default_location() -> String {
    "US".to_owned()
}

fn location<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(canonical_location(&String::deserialize(deserializer)?))
}

/// Clients write locations in any case. The two multi-regions are upper case here, and the regions lower case.
pub(crate) fn canonical_location(name: &str) -> String {
    let upper = name.to_ascii_uppercase();
    if is_multi_region(&upper) {
        return upper;
    }
    name.to_ascii_lowercase()
}

pub(crate) fn is_multi_region(location: &str) -> bool {
    matches!(location, "US" | "EU")
}

impl Dataset {
    fn resource(&self) -> Value {
        json!({
            "kind": "bigquery#dataset",
            "id": self.dataset_reference.to_string(),
            "datasetReference": self.dataset_reference,
            "location": self.location,
            "friendlyName": self.friendly_name,
            "description": self.description,
            "labels": self.labels,
            "creationTime": self.created_at.to_string(),
            "lastModifiedTime": self.created_at.to_string(),
        })
    }
}

pub(crate) async fn insert(
    State(warehouse): State<Arc<Warehouse>>,
    Path(project_id): Path<String>,
    body: Result<Json<Dataset>, JsonRejection>,
) -> Result<Json<Value>, ApiError> {
    let Json(mut dataset) = body?;
    dataset.dataset_reference.project_id = project_id;
    dataset.created_at = chrono::Utc::now().timestamp_millis();
    check_id("datasetReference.datasetId", &dataset.dataset_reference.dataset_id, &[])?;
    if warehouse.faults.denies_dataset() {
        return Err(ApiError::access_denied(format_args!(
            "Project {0}: User does not have bigquery.datasets.create permission in project {0}.",
            dataset.dataset_reference.project_id
        )));
    }
    warehouse
        .transact(move |catalog| {
            let reference = &dataset.dataset_reference;
            if catalog.datasets.contains_key(reference) {
                return Err(ApiError::duplicate(format_args!("Dataset {reference}")));
            }
            let resource = dataset.resource();
            Ok((vec![Record::Dataset(dataset)], Json(resource)))
        })
        .await
}

pub(crate) async fn get(
    State(warehouse): State<Arc<Warehouse>>,
    Path(reference): Path<DatasetRef>,
) -> Result<Json<Value>, ApiError> {
    Ok(Json(warehouse.read().dataset(&reference)?.resource()))
}

pub(crate) async fn list(
    State(warehouse): State<Arc<Warehouse>>,
    Path(project): Path<String>,
) -> Json<Value> {
    let catalog = warehouse.read();
    let datasets: Vec<Value> = catalog
        .datasets
        .values()
        .filter(|dataset| dataset.dataset_reference.project_id == project)
        .map(Dataset::resource)
        .collect();
    Json(json!({"kind": "bigquery#datasetList", "datasets": datasets}))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeleteQuery {
    #[serde(default)]
    delete_contents: bool,
}

pub(crate) async fn delete(
    State(warehouse): State<Arc<Warehouse>>,
    Path(reference): Path<DatasetRef>,
    query: Result<Query<DeleteQuery>, QueryRejection>,
) -> Result<StatusCode, ApiError> {
    let Query(DeleteQuery { delete_contents }) = query?;
    warehouse
        .transact(move |catalog| {
            catalog.dataset(&reference)?;
            let in_use = catalog.tables.keys().any(|table| table.dataset() == reference);
            if in_use && !delete_contents {
                return Err(ApiError::new(
                    StatusCode::BAD_REQUEST,
                    "resourceInUse",
                    format!("Dataset {reference} is still in use"),
                ));
            }
            let record = Record::DatasetDeleted(reference);
            Ok((vec![record], StatusCode::NO_CONTENT))
        })
        .await
}
