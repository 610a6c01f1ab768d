use serde_json::Value;

use crate::{document, root};

#[test]
fn the_columns_are_those_of_the_schema() {
    let schema = root().join("shared/gcp/src/bigquery/schema.json");
    let schema = std::fs::read_to_string(schema).unwrap();
    let schema: Vec<Value> = serde_json::from_str(&schema).unwrap();
    let text = |column: &Value, name: &str| column[name].as_str().unwrap().to_owned();
    let columns = schema.iter().map(|column| {
        let name = format!("`{}`", text(column, "name"));
        [name, text(column, "type"), text(column, "mode"), text(column, "description")]
    });
    let page = document("docs/bigquery.md");
    let table = page.table("| column |");
    assert_eq!(table, columns.collect::<Vec<_>>());
}
