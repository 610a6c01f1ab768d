use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use futures::future::{join, join_all};
use service::testing::Answer;
use store::Record;
use tokio::time::timeout;

use crate::batch::batch;
use crate::harness::Service;

const EVENT: &str = r#"{"eventType":"a","payload":{}}"#;

impl Service {
    /// Reads the stored event that this answer names.
    async fn stored(&self, answer: &Answer) -> Record {
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        let id = answer.json()["eventId"].as_str().unwrap().parse().unwrap();
        self.database.store.record(id).await.unwrap().unwrap()
    }
}

#[tokio::test]
async fn an_event_is_stored_before_it_is_answered() {
    let service = Service::start().await;
    let body = r#"{"eventType":"user.signup","payload":{"userId":"123"},"metadata":{"source":"web"}}"#;
    let answer = service.post(body).await;
    insta::assert_json_snapshot!(answer.json(), { ".eventId" => "[id]" }, @r#"
    {
      "eventId": "[id]",
      "message": "Event received and queued for processing",
      "success": true
    }
    "#);
    let record = service.stored(&answer).await;
    assert_eq!(record.event_type, "user.signup");
    assert_eq!(record.payload.get(), r#"{"userId":"123"}"#);
    assert_eq!(record.metadata.unwrap().get(), r#"{"source":"web"}"#);
    assert_eq!(record.status.as_str(), "PENDING");
    assert_eq!(record.id.uuid().get_version_num(), 7);
}

#[tokio::test]
async fn json_comes_back_as_it_went_in() {
    let service = Service::start().await;
    for payload in [
        r#"{"z":1,"a":2,"z":3}"#,
        "{\n\t\"spaced\" :  [ 1 ,\r\n2 ] }",
        r#"{"n":12345678901234567890123,"d":1.10,"e":1E+2,"tiny":1e-999,"huge":1e999}"#,
        r#"{"é":"日本 😀","escaped":"\u00e9\ud83d\ude00\/\n","nul-like":"\\u0000"}"#,
    ] {
        let body = format!(r#"{{"payload":{payload},"eventType":"日本","metadata":{payload}}}"#);
        let record = service.stored(&service.post(body).await).await;
        assert_eq!(record.payload.get(), payload);
        assert_eq!(record.metadata.unwrap().get(), payload);
        assert_eq!(record.event_type, "日本");
    }
}

/// The relay uses this trace when it publishes an event that this process did not publish.
#[tokio::test]
async fn the_trace_of_the_request_stays_with_each_of_its_events() {
    let service = Service::start().await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let within = |path: &str, body: String| {
        let request = Request::post(path).header("content-type", "application/json");
        request.header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01")).body(body.into()).unwrap()
    };
    service.call(within("/events", EVENT.into())).await;
    service.call(within("/events/batch", format!("[{EVENT},{EVENT}]"))).await;
    let kept = format!("SELECT count(*) FROM events WHERE replace(trace_id::text, '-', '') = '{trace}'");
    assert_eq!(service.database.value::<i64>(&kept).await, 3);
    // A request without a trace starts a new one, and its answer names it.
    let answer = service.post(EVENT).await;
    let begun = answer.header("traceparent").split('-').nth(1).unwrap().to_owned();
    let id = service.stored(&answer).await.id;
    let kept = service.database.store.trace_id(id).await.unwrap().unwrap();
    assert_eq!(kept.simple().to_string(), begun);
}

#[tokio::test]
async fn metadata_may_be_left_out_and_utf_8_be_named() {
    let service = Service::start().await;
    for content_type in
        ["application/json", "Application/JSON; charset=UTF-8", r#"application/json;charset="utf-8""#]
    {
        let request = Request::post("/events")
            .header("content-type", content_type)
            .body(Body::from(r#" {"eventType":"a","payload":{}} "#))
            .unwrap();
        let record = service.stored(&service.call(request).await).await;
        assert!(record.metadata.is_none());
    }
}

#[tokio::test]
async fn events_that_come_together_are_written_together() {
    let service = Service::start().await;
    let posts = (0..200).map(|n| service.post(format!(r#"{{"eventType":"a","payload":{{"n":{n}}}}}"#)));
    let answers = join_all(posts).await;
    for (n, answer) in answers.iter().enumerate() {
        let record = service.stored(answer).await;
        assert_eq!(record.payload.get(), format!(r#"{{"n":{n}}}"#), "each has its own id");
    }
    let statements: i64 = service.database.value("SELECT count(DISTINCT xid) FROM events").await;
    assert!(statements < 20, "{statements} statements for 200 events");
}

#[tokio::test]
async fn a_hundred_that_wait_are_not_held_up_by_the_statement_under_way() {
    let service = Arc::new(Service::start().await);
    let database = &service.database;
    database
        .sql(
            "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 WHILE NOT EXISTS (SELECT FROM demo_ledger) LOOP PERFORM pg_sleep(0.01); END LOOP;
                 RETURN NEW;
             END $$",
        )
        .await;
    database
        .sql(
            "CREATE TRIGGER wait BEFORE INSERT ON events
                 FOR EACH ROW WHEN (NEW.event_type = 'slow') EXECUTE FUNCTION wait()",
        )
        .await;
    let slow = tokio::spawn({
        let service = service.clone();
        async move { service.post(r#"{"eventType":"slow","payload":{}}"#).await }
    });
    let sleeps = "SELECT EXISTS (SELECT FROM pg_stat_activity
                      WHERE datname = current_database() AND wait_event = 'PgSleep')";
    while !database.value::<bool>(sleeps).await {}
    let many = format!("[{}]", [EVENT; 99].join(","));
    let answers = join(service.post(EVENT), service.call(batch("application/json", many)));
    let (one, many) = timeout(Duration::from_secs(30), answers).await.unwrap();
    assert_eq!((one.status, many.status), (StatusCode::CREATED, StatusCode::CREATED));
    let statements: i64 = database.value("SELECT count(DISTINCT xid) FROM events").await;
    assert_eq!(statements, 1, "the one waited for the others");
    assert!(!slow.is_finished());
    database.sql("INSERT INTO demo_ledger VALUES (gen_random_uuid(), 1, 1)").await;
    assert_eq!(slow.await.unwrap().status, StatusCode::CREATED);
    assert_eq!(service.rows().await, 202);
}
