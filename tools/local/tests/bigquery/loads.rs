//! The rows that a load accepts, and the rows that are read back.

use serde_json::{Value, json};

use crate::client::{Server, error, job, job_with, rows};

#[tokio::test]
async fn rows_come_back_in_bigquery_s_encoding() {
    let server = Server::with_table().await;
    let payload = r#"{"big":12345678901234567890123,"b":1.10,"a":"é🦀","b":[null,true]}"#;
    let rows = format!(
        "{{\"id\":\"1\",\"payload\":{payload},\"retryCount\":9223372036854775807,\"score\":1.5,\
         \"replayed\":true,\"createdAt\":\"2024-01-01T00:00:00.123456Z\"}}\n\n\
         {{\"createdAt\":1704067200,\"retryCount\":\"-3\",\"id\":\"2\",\"payload\":null}}"
    );
    let job = server.load(&job("kinds"), &rows).await;
    assert_eq!(job["statistics"]["load"]["outputRows"], "2");
    assert_eq!(job["statistics"]["load"]["inputFiles"], "1");

    let (_, page) = server.get("/datasets/d/tables/events/data").await;
    assert_eq!(page["kind"], "bigquery#tableDataList");
    assert_eq!(page["totalRows"], "2");
    let cells = |row: usize| -> Vec<Value> {
        let cells = page["rows"][row]["f"].as_array().unwrap();
        cells.iter().map(|cell| cell["v"].clone()).collect()
    };
    let first: [Value; 7] = [
        json!("1"),
        Value::Null,
        json!(payload),
        json!("9223372036854775807"),
        json!("1.5"),
        json!("true"),
        json!("1.704067200123456E9"),
    ];
    assert_eq!(cells(0), first);
    assert_eq!(cells(1)[3], "-3");
    assert_eq!(cells(1)[2], Value::Null, "a JSON null is a NULL");
    let micros = "formatOptions.useInt64Timestamp=True&selectedFields=createdAt";
    let (_, page) = server.get(&format!("/datasets/d/tables/events/data?{micros}")).await;
    assert_eq!(page["rows"][0], json!({"f": [{"v": "1704067200123456"}]}));
    assert_eq!(page["rows"][1], json!({"f": [{"v": "1704067200000000"}]}));
}

#[tokio::test]
async fn rows_are_read_by_page_and_by_index_over_many_loads() {
    let server = Server::with_table().await;
    for load in 0..3 {
        let rows = rows((0..4).map(|i| format!("{load}{i}")));
        server.load(&job(&format!("load-{load}")), &rows).await;
    }
    let mut ids = Vec::new();
    let mut query = "startIndex=1&maxResults=3".to_owned();
    loop {
        let (_, page) = server.get(&format!("/datasets/d/tables/events/data?{query}")).await;
        let rows = page["rows"].as_array().unwrap();
        assert!(rows.len() <= 3);
        ids.extend(rows.iter().map(|row| row["f"][0]["v"].as_str().unwrap().to_owned()));
        match page.get("pageToken") {
            Some(token) => query = format!("maxResults=3&pageToken={}", token.as_str().unwrap()),
            None => break,
        }
    }
    assert_eq!(ids, ["01", "02", "03", "10", "11", "12", "13", "20", "21", "22", "23"]);
    let (_, beyond) = server.get("/datasets/d/tables/events/data?startIndex=12").await;
    assert_eq!(beyond["rows"], json!([]));
    for query in ["pageToken=nonsense", "selectedFields=nonsense", "maxResults=x"] {
        let (status, _) = server.get(&format!("/datasets/d/tables/events/data?{query}")).await;
        assert_eq!(status, 400, "{query}");
    }
}

#[tokio::test]
async fn one_bad_row_fails_the_whole_job() {
    let server = Server::with_table().await;
    let deep = |levels| format!("{{\"id\":\"1\",\"payload\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
    for (i, (row, message)) in [
        ("{\"id\":null}", "Only optional fields can be set to NULL. Field: id; Value: NULL"),
        ("{\"eventType\":\"x\"}", "Missing required field: id."),
        ("{\"id\":\"1\",\"colour\":2}", "No such field: colour."),
        ("{\"id\":\"1\",\"retryCount\":1.5}", "Field: retryCount; Value: 1.5"),
        ("{\"id\":\"1\",\"retryCount\":9223372036854775808}", "Field: retryCount"),
        ("{\"id\":\"1\",\"score\":\"high\"}", "Field: score; Value: high"),
        ("{\"id\":\"1\",\"replayed\":\"maybe\"}", "Field: replayed; Value: maybe"),
        ("{\"id\":\"1\",\"createdAt\":\"yesterday\"}", "Field: createdAt; Value: yesterday"),
        ("{\"id\":{}}", "JSON object specified for non-record field: id"),
        ("{\"id\":[]}", "Array specified for non-repeated field: id."),
        ("{\"id\":\"1\"", "Failed to parse JSON"),
        ("[]", "Failed to parse JSON"),
        ("{\"id\":\"\\ud800\"}", "Failed to parse JSON"),
        (&deep(501), "nesting depth 501 exceeds 500. Field: payload"),
        (&deep(100_000), "nesting depth 100000 exceeds 500"),
    ]
    .into_iter()
    .enumerate()
    {
        let good = "{\"id\":\"good\"}\n";
        let job = server.load(&job(&format!("bad-{i}")), &format!("{good}{row}\n{good}")).await;
        let status = &job["status"];
        assert_eq!(
            status["errorResult"],
            json!({"reason": "invalid", "message": "Error while reading data, error message: JSON \
                table encountered too many errors, giving up. Rows: 2; errors: 1. Please look into \
                the errors[] collection for more details."}),
            "{row}"
        );
        let errors = status["errors"].as_array().unwrap();
        assert_eq!(errors[0], status["errorResult"]);
        let cause = errors.last().unwrap();
        assert_eq!((&cause["reason"], &cause["location"]), (&json!("invalid"), &json!("file-00000000")));
        let cause = cause["message"].as_str().unwrap();
        let position = format!("JSON parsing error in row starting at position {}: ", good.len());
        assert!(cause.contains(&position) && cause.contains(message), "{cause}");
        assert!(job["statistics"].get("load").is_none());
    }
    assert!(server.ids().await.is_empty(), "a load is all or nothing");
}

#[tokio::test]
async fn json_may_be_500_levels_deep() {
    let server = Server::with_table().await;
    let payload = format!("{}{}", "[".repeat(500), "]".repeat(500));
    let job = server.load(&job("deep"), &format!("{{\"id\":\"1\",\"payload\":{payload}}}")).await;
    assert!(job["status"].get("errorResult").is_none(), "{job}");
}

#[tokio::test]
async fn bad_rows_are_passed_over_where_they_are_tolerated() {
    let server = Server::with_table().await;
    let rows = "{\"id\":\"1\"}\n{\"id\":2\n{\"id\":\"3\"}\n";

    let job = server.load(&job_with("tolerant", "maxBadRecords", 1), rows).await;

    assert!(job["status"].get("errorResult").is_none());
    assert_eq!(job["status"]["errors"].as_array().unwrap().len(), 1);
    assert_eq!(job["statistics"]["load"]["outputRows"], "2");
    assert_eq!(job["statistics"]["load"]["badRecords"], "1");
    assert_eq!(server.ids().await, ["1", "3"]);
}

#[tokio::test]
async fn unknown_members_are_passed_over_where_that_is_asked_for() {
    let server = Server::with_table().await;
    let job = job_with("ignorant", "ignoreUnknownValues", true);
    let job = server.load(&job, "{\"id\":\"1\",\"colour\":{\"deep\":[1]}}\n").await;
    assert_eq!(job["statistics"]["load"]["outputRows"], "1");
}

#[tokio::test]
async fn the_write_disposition_decides_about_earlier_rows() {
    let server = Server::with_table().await;
    let load = async |id: &str, disposition: &str| {
        let job = job_with(id, "writeDisposition", disposition);
        server.load(&job, &rows([id.to_owned()])).await
    };
    load("a", "WRITE_EMPTY").await;
    load("b", "WRITE_APPEND").await;
    assert_eq!(server.ids().await, ["a", "b"]);
    let refused = load("c", "WRITE_EMPTY").await;
    assert_eq!(refused["status"]["errorResult"]["reason"], "duplicate");
    load("d", "WRITE_TRUNCATE").await;
    assert_eq!(server.ids().await, ["d"]);
}

#[tokio::test]
async fn a_missing_table_is_made_only_on_request() {
    let server = Server::with_table().await;
    server.delete("/datasets/d/tables/events").await;
    let row = "{\"n\":1}\n";

    let never = server.load(&job("never"), row).await;
    assert_eq!(
        never["status"]["errorResult"],
        json!({"reason": "notFound", "message": "Not found: Table p:d.events"})
    );
    let no_schema = job_with("no-schema", "createDisposition", "CREATE_IF_NEEDED");
    let no_schema = server.load(&no_schema, row).await;
    assert_eq!(no_schema["status"]["errorResult"]["message"], "No schema specified on job or table.");
    let mut made = job_with("made", "createDisposition", "CREATE_IF_NEEDED");
    made["configuration"]["load"]["schema"] = json!({"fields": [{"name": "n", "type": "INT64"}]});
    let made = server.load(&made, row).await;

    assert_eq!(made["statistics"]["load"]["outputRows"], "1");
    let (_, table) = server.get("/datasets/d/tables/events").await;
    assert_eq!(table["schema"]["fields"][0]["type"], "INTEGER");
    assert_eq!(table["numRows"], "1");
}

#[tokio::test]
async fn a_schema_that_contradicts_the_table_fails_the_job() {
    let server = Server::with_table().await;
    let schema = json!({"fields": [{"name": "id", "type": "INTEGER"}]});
    let job = server.load(&job_with("other", "schema", schema), "{\"id\":1}\n").await;
    assert_eq!(job["status"]["errorResult"]["reason"], "invalid");
    let message = "Provided Schema does not match Table p:d.events.";
    assert_eq!(job["status"]["errorResult"]["message"], message);
}

#[tokio::test]
async fn a_load_into_no_dataset_is_no_job() {
    let server = Server::start().await;
    let (status, reason, message) = error(server.upload(&job("lost"), "{}\n").await).await;
    assert_eq!((status, reason.as_str(), message.as_str()), (404, "notFound", "Not found: Dataset p:d"));
    assert_eq!(server.get("/jobs/lost").await.0, 404);
}
