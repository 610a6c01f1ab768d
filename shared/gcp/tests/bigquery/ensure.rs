use gcp::BigQuery;
use gcp::bigquery::{Ensured, Error, SCHEMA};
use serde_json::{Value, json};

use crate::warehouse::{Warehouse, error};
use crate::{bigquery, config};

fn dataset() -> Value {
    json!({
        "datasetReference": { "projectId": "eventflow-local", "datasetId": "eventflow" },
        "location": "EU",
    })
}

fn schema() -> Value {
    serde_json::from_str(SCHEMA).unwrap()
}

fn table(fields: &Value) -> Value {
    json!({
        "tableReference": {
            "projectId": "eventflow-local", "datasetId": "eventflow", "tableId": "events",
        },
        "schema": { "fields": fields },
        "timePartitioning": { "type": "DAY", "field": "createdAt" },
        "clustering": { "fields": ["eventType"] },
    })
}

#[tokio::test]
async fn dataset_and_table_are_made_where_they_are_missing() {
    let warehouse = Warehouse::start().await;
    let bigquery = bigquery(warehouse.host()).await;
    let both = Ensured { dataset_made: true, table_made: true };
    assert_eq!(bigquery.ensure_table().await.unwrap(), both);
    assert_eq!(warehouse.books().dataset, Some(dataset()));
    assert_eq!(warehouse.books().table, Some(table(&schema())));

    let neither = Ensured::default();
    assert_eq!(bigquery.ensure_table().await.unwrap(), neither);
}

#[tokio::test]
async fn a_dataset_that_is_there_is_kept() {
    let warehouse = Warehouse::start().await;
    warehouse.books().dataset = Some(dataset());
    let ensured = bigquery(warehouse.host()).await.ensure_table().await;
    let table_alone = Ensured { dataset_made: false, table_made: true };
    assert_eq!(ensured.unwrap(), table_alone);
}

#[tokio::test]
async fn somebody_else_may_make_the_table_at_the_same_moment() {
    let warehouse = Warehouse::start().await;
    warehouse.books().dataset = Some(dataset());
    let answer = error(409, "duplicate", "Already Exists: Table");
    warehouse.books().make_answer = Some((409, answer));
    let ensured = bigquery(warehouse.host()).await.ensure_table().await;
    assert_eq!(ensured.unwrap(), Ensured::default());
}

#[tokio::test]
async fn a_table_that_does_not_fit_is_named_with_its_columns() {
    let warehouse = Warehouse::start().await;
    warehouse.books().dataset = Some(dataset());
    let mut fields = schema();
    fields[2]["type"] = json!("STRING");
    fields.as_array_mut().unwrap().pop();
    warehouse.books().table = Some(table(&fields));
    let ensured = bigquery(warehouse.host()).await.ensure_table().await;
    let Err(Error::Schema { table, columns }) = ensured else {
        panic!("{ensured:?}");
    };
    assert_eq!(table, "eventflow-local.eventflow.events");
    let wanted = ["payload is String, not Json", "updatedAt is missing"];
    assert_eq!(columns, wanted);
}

#[tokio::test]
async fn columns_of_others_are_no_matter() {
    let warehouse = Warehouse::start().await;
    warehouse.books().dataset = Some(dataset());
    let mut fields = schema();
    let more = json!({ "name": "more", "type": "STRING" });
    fields.as_array_mut().unwrap().push(more);
    warehouse.books().table = Some(table(&fields));
    let ensured = bigquery(warehouse.host()).await.ensure_table().await;
    assert_eq!(ensured.unwrap(), Ensured::default());
}

#[tokio::test]
async fn a_missing_right_comes_with_what_to_grant() {
    for (there, place) in [(None, "on the project"), (Some(dataset()), "on the dataset")] {
        let warehouse = Warehouse::start().await;
        warehouse.books().dataset = there;
        let denied = "Access Denied: User does not have permission";
        let answer = error(403, "accessDenied", denied);
        warehouse.books().make_answer = Some((403, answer));
        let error = bigquery(warehouse.host()).await.ensure_table().await;
        let error = error.unwrap_err();
        assert!(matches!(error, Error::MissingRight { .. }), "{error:?}");
        let text = error.to_string();
        for part in [denied, "roles/bigquery.dataEditor", place, "eventflow"] {
            assert!(text.contains(part), "{text:?} without {part:?}");
        }
    }
}

#[tokio::test]
async fn missing_credentials_are_an_error_of_the_call_that_says_so() {
    let mut config = config(String::new());
    config.emulator_host = None;
    config.credentials_file = Some("/nowhere/key.json".into());
    let bigquery = BigQuery::connect(config).await.unwrap();
    let error = bigquery.ensure_table().await.unwrap_err();
    assert!(matches!(error, Error::Connect(_)), "{error:?}");
    assert!(error.to_string().contains("/nowhere/key.json"), "{error}");
}
