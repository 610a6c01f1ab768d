//! Tables: insert, get, list, delete.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::catalog::{Catalog, Record};
use super::error::ApiError;
use super::reference::{DatasetRef, TableRef, check_id};
use super::schema::{FieldType, Schema};
use super::warehouse::Warehouse;

/// The types of columns that rows can be clustered by.
const ORDERED: [FieldType; 4] =
    [FieldType::String, FieldType::Integer, FieldType::Boolean, FieldType::Timestamp];

/// A table. Clients also send fields that belong only to the answer, such as its times. These are ignored.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::struct_field_names, reason = "the names are Google's")]
pub(crate) struct Table {
    pub(crate) table_reference: TableRef,
    #[serde(default)]
    pub(crate) schema: Schema,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) time_partitioning: Option<TimePartitioning>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) clustering: Option<Clustering>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) friendly_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    #[serde(default)]
    pub(crate) labels: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) created_at: i64,
}

/// Partitioning and clustering are checked and stored, but have no effect here.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct TimePartitioning {
    #[serde(rename = "type")]
    granularity: Granularity,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration_ms: Option<String>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Granularity {
    Hour,
    Day,
    Month,
    Year,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Clustering {
    fields: Vec<String>,
}

impl Table {
    pub(crate) fn check(&self) -> Result<(), ApiError> {
        check_id("tableReference.tableId", &self.table_reference.table_id, &['-'])?;
        self.schema.check()?;
        let partitioned_by = self.time_partitioning.iter().flat_map(|p| &p.field);
        for name in partitioned_by {
            self.check_column("timePartitioning.field", name, &[FieldType::Timestamp])?;
        }
        for name in self.clustering.iter().flat_map(|c| &c.fields) {
            self.check_column("clustering.fields", name, &ORDERED)?;
        }
        Ok(())
    }

    fn check_column(&self, at: &str, name: &str, kinds: &[FieldType]) -> Result<(), ApiError> {
        match self.schema.field(name) {
            Some(field) if kinds.contains(&field.kind) => Ok(()),
            Some(field) => {
                Err(ApiError::invalid(format!("{at}: {name} is of type {:?}, which is refused", field.kind)))
            }
            None => Err(ApiError::invalid(format!("{at}: the schema has no field {name}"))),
        }
    }

    fn resource(&self, catalog: &Catalog) -> Value {
        let reference = &self.table_reference;
        let bytes: u64 = catalog.files(reference).iter().map(|f| f.bytes).sum();
        let dataset = catalog.datasets.get(&reference.dataset());
        json!({
            "kind": "bigquery#table",
            "id": reference.to_string(),
            "tableReference": reference,
            "type": "TABLE",
            "schema": self.schema,
            "timePartitioning": self.time_partitioning,
            "clustering": self.clustering,
            "friendlyName": self.friendly_name,
            "description": self.description,
            "labels": self.labels,
            "location": dataset.map(|dataset| &dataset.location),
            "creationTime": self.created_at.to_string(),
            "lastModifiedTime": self.created_at.to_string(),
            "numRows": catalog.row_count(reference).to_string(),
            "numBytes": bytes.to_string(),
        })
    }
}

pub(crate) async fn insert(
    State(warehouse): State<Arc<Warehouse>>,
    Path(dataset): Path<DatasetRef>,
    body: Result<Json<Table>, JsonRejection>,
) -> Result<Json<Value>, ApiError> {
    let Json(mut table) = body?;
    table.table_reference.project_id = dataset.project_id.clone();
    table.table_reference.dataset_id = dataset.dataset_id.clone();
    table.created_at = chrono::Utc::now().timestamp_millis();
    table.check()?;
    let denied = warehouse.faults.denies_table();
    warehouse
        .transact(move |catalog| {
            catalog.dataset(&dataset)?;
            if denied {
                return Err(creation_denied(&dataset));
            }
            let reference = &table.table_reference;
            if catalog.tables.contains_key(reference) {
                return Err(ApiError::duplicate(format_args!("Table {reference}")));
            }
            let resource = table.resource(catalog);
            Ok((vec![Record::Table(table)], Json(resource)))
        })
        .await
}

pub(crate) fn creation_denied(dataset: &DatasetRef) -> ApiError {
    ApiError::access_denied(format_args!(
        "Dataset {dataset}: Permission bigquery.tables.create denied on dataset {dataset} \
         (or it may not exist)."
    ))
}

pub(crate) async fn get(
    State(warehouse): State<Arc<Warehouse>>,
    Path(reference): Path<TableRef>,
) -> Result<Json<Value>, ApiError> {
    let catalog = warehouse.read();
    Ok(Json(catalog.table(&reference)?.resource(&catalog)))
}

pub(crate) async fn list(
    State(warehouse): State<Arc<Warehouse>>,
    Path(dataset): Path<DatasetRef>,
) -> Result<Json<Value>, ApiError> {
    let catalog = warehouse.read();
    catalog.dataset(&dataset)?;
    let tables: Vec<Value> = catalog
        .tables
        .values()
        .filter(|table| table.table_reference.dataset() == dataset)
        .map(|table| table.resource(&catalog))
        .collect();
    let total = tables.len();
    Ok(Json(json!({"kind": "bigquery#tableList", "tables": tables, "totalItems": total})))
}

pub(crate) async fn delete(
    State(warehouse): State<Arc<Warehouse>>,
    Path(reference): Path<TableRef>,
) -> Result<StatusCode, ApiError> {
    warehouse
        .transact(move |catalog| {
            catalog.table(&reference)?;
            let record = Record::TableDeleted(reference);
            Ok((vec![record], StatusCode::NO_CONTENT))
        })
        .await
}
