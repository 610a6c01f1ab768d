//! Datasets and tables.

use serde_json::{Value, json};

use crate::client::{Server, error, job, schema};

fn dataset(id: &str) -> Value {
    json!({"datasetReference": {"datasetId": id}, "location": "EUROPE-west3", "labels": {"a": "b"}})
}

fn table(schema: &Value) -> Value {
    json!({"tableReference": {"datasetId": "d", "tableId": "t"}, "schema": schema})
}

#[tokio::test]
async fn a_dataset_is_made_shown_and_deleted() {
    let server = Server::start().await;
    assert_eq!(server.post("/datasets", &dataset("d")).await.status(), 200);

    let (_, shown) = server.get("/datasets/d").await;
    assert_eq!(shown["id"], "p:d");
    assert_eq!(shown["location"], "europe-west3");
    assert_eq!(shown["labels"], json!({"a": "b"}));
    let (_, list) = server.get("/datasets").await;
    assert_eq!(list["datasets"][0]["datasetReference"], shown["datasetReference"]);
    let again = error(server.post("/datasets", &dataset("d")).await).await;
    let said = "Already Exists: Dataset p:d";
    assert_eq!(again, (409, "duplicate".to_owned(), said.to_owned()));
    assert_eq!(server.delete("/datasets/d").await, 204);
    let (status, gone) = server.get("/datasets/d").await;
    assert_eq!((status.as_u16(), &gone["error"]["status"]), (404, &json!("NOT_FOUND")));
    assert_eq!(gone["error"]["message"], "Not found: Dataset p:d");
}

#[tokio::test]
async fn a_dataset_in_use_goes_only_with_its_contents() {
    let server = Server::with_table().await;
    let request = server.http.delete(server.url("/datasets/d"));
    let (status, reason, _) = error(request.send().await.unwrap()).await;
    assert_eq!((status, reason.as_str()), (400, "resourceInUse"));

    assert_eq!(server.delete("/datasets/d?deleteContents=true").await, 204);

    let (status, _) = server.get("/datasets/d/tables/events").await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn a_table_is_shown_with_its_layout_and_its_rows_counted() {
    let server = Server::with_table().await;
    server.load(&job("one"), "{\"id\":\"a\",\"retryCount\":1}\n").await;

    let (_, shown) = server.get("/datasets/d/tables/events").await;

    assert_eq!(shown["schema"], schema_as_shown());
    assert_eq!(shown["timePartitioning"], json!({"type": "DAY", "field": "createdAt"}));
    assert_eq!(shown["clustering"], json!({"fields": ["eventType"]}));
    // A STRING of one byte takes 3, an INTEGER 8.
    assert_eq!((&shown["numRows"], &shown["numBytes"]), (&json!("1"), &json!("11")));
    let (_, list) = server.get("/datasets/d/tables").await;
    assert_eq!((&list["totalItems"], &list["tables"][0]["id"]), (&json!(1), &json!("p:d.events")));
}

fn schema_as_shown() -> Value {
    let mut schema = schema();
    for field in schema["fields"].as_array_mut().unwrap() {
        if field.get("mode").is_none() {
            field["mode"] = "NULLABLE".into();
        }
    }
    schema
}

#[tokio::test]
async fn a_deleted_table_leaves_no_rows_to_the_next() {
    let server = Server::with_table().await;
    server.load(&job("before"), "{\"id\":\"a\"}\n").await;
    let (_, shown) = server.get("/datasets/d/tables/events").await;
    assert_eq!(server.delete("/datasets/d/tables/events").await, 204);
    assert_eq!(server.get("/datasets/d/tables/events").await.0, 404);
    assert_eq!(server.delete("/datasets/d/tables/events").await, 404);

    // A client may send back the resource that it was shown. Fields that belong only to the answer are ignored.
    assert_eq!(server.post("/datasets/d/tables", &shown).await.status(), 200);

    assert!(server.ids().await.is_empty());
}

#[tokio::test]
async fn a_table_needs_a_dataset_and_a_name_of_its_own() {
    let server = Server::with_table().await;
    let (status, reason, message) = error(server.post("/datasets/x/tables", &table(&schema())).await).await;
    assert_eq!((status, reason.as_str(), message.as_str()), (404, "notFound", "Not found: Dataset p:x"));
    assert_eq!(server.post("/datasets/d/tables", &table(&schema())).await.status(), 200);
    let (status, reason, _) = error(server.post("/datasets/d/tables", &table(&schema())).await).await;
    assert_eq!((status, reason.as_str()), (409, "duplicate"));
}

#[tokio::test]
async fn wrong_input_is_a_400_that_names_the_field() {
    let server = Server::with_table().await;
    let with_type = |kind: &str| table(&json!({"fields": [{"name": "a", "type": kind}]}));
    let with = |name: &str, value: Value| {
        let mut table = table(&schema());
        table[name] = value;
        table
    };
    let twice = json!({"fields": [{"name": "a", "type": "JSON"}, {"name": "A", "type": "JSON"}]});
    for (body, named) in [
        (json!({"schema": schema()}), "tableReference"),
        (with("tableReference", json!({"datasetId": "d", "tableId": "a b"})), "tableId"),
        (with_type("RECORD"), "schema.fields[0].type"),
        (table(&json!({"fields": [{"name": "a b", "type": "STRING"}]})), "schema.fields[0].name"),
        (table(&twice), "Duplicate field name: A"),
        (with("timePartitioning", json!({"type": "WEEK"})), "timePartitioning.type"),
        (with("timePartitioning", json!({"type": "DAY", "field": "id"})), "timePartitioning.field"),
        (with("clustering", json!({"fields": ["payload"]})), "clustering.fields"),
        (with("clustering", json!({"fields": ["nothing"]})), "clustering.fields"),
    ] {
        let (status, reason, message) = error(server.post("/datasets/d/tables", &body).await).await;
        assert_eq!((status, reason.as_str()), (400, "invalid"), "{body}");
        assert!(message.contains(named), "{named}: {message}");
    }
    let (status, _, message) = error(server.post("/datasets", &dataset("a b")).await).await;
    assert_eq!(status, 400);
    assert!(message.contains("datasetId"), "{message}");
}

#[tokio::test]
async fn an_unknown_path_is_not_found_in_google_s_shape() {
    let server = Server::start().await;
    let (status, body) = server.get("/queries").await;
    assert_eq!((status.as_u16(), &body["error"]["errors"][0]["reason"]), (404, &json!("notFound")));
}
