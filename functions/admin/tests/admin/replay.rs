use axum::body::Body;
use axum::http::{Request, StatusCode};
use futures::future::join_all;
use gcp::testing::PubSub;
use serde_json::json;
use store::testing::TRACE_ID;

use crate::harness::Service;
use crate::told;

#[tokio::test]
async fn a_dead_event_is_queued_anew() {
    let service = Service::start().await;
    let id = service.event_in("DEAD_LETTER").await;
    let answer = service.replay(id).await;
    assert_eq!(answer.status, StatusCode::OK);
    insta::assert_json_snapshot!(answer.json(), {
        ".event.id" => "[id]",
        ".event.createdAt" => insta::dynamic_redaction(told::time),
        ".event.updatedAt" => insta::dynamic_redaction(told::time),
    }, @r#"
    {
      "event": {
        "createdAt": "[time]",
        "eventType": "a",
        "failedAt": null,
        "failureReason": null,
        "id": "[id]",
        "metadata": null,
        "payload": {},
        "processedAt": null,
        "retryCount": 0,
        "status": "PENDING",
        "updatedAt": "[time]"
      },
      "message": "Event queued for replay",
      "success": true
    }
    "#);
}

/// Admin's publisher cannot reach Pub/Sub in these tests, so the event is left to the relay.
#[tokio::test]
async fn a_replay_is_due_at_once_begins_its_retries_anew_and_is_on_record() {
    let service = Service::start().await;
    for status in ["FAILED", "DEAD_LETTER"] {
        let id = service.event_in(status).await;
        assert_eq!(service.replay(id).await.status, StatusCode::OK);
        let due = format!(
            "SELECT due_at <= clock_timestamp() AND retry_count = 0 AND attempt = 1 AND lost = 0
                             FROM live WHERE id = '{id}'"
        );
        assert!(service.database.value::<bool>(&due).await, "{status}");
        let event = service.found(&format!("/admin/events/{id}")).await;
        assert_eq!(event["status"], "PENDING");
        let mut replay = event["replays"][0].clone();
        assert!(replay["createdAt"].take().is_string());
        let on_record =
            json!({ "attempt": 1, "fromStatus": status, "requestedBy": "anonymous", "createdAt": null });
        assert_eq!(replay, on_record);
        assert_eq!(service.claim(id).await, 2, "attempts are counted on");
    }
}

/// The request for the replay has another trace.
#[tokio::test]
async fn a_replayed_event_goes_on_in_its_own_trace() {
    let pubsub = PubSub::start().await;
    let service = Service::publishing_to(&pubsub).await;
    let replay = async |id| {
        let request = Request::post(format!("/admin/events/{id}/replay"));
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let answer = service.call(request.header("traceparent", parent).body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::OK);
        let message = pubsub.received().pop().unwrap();
        assert_eq!(message.data, id);
        message.attributes["traceparent"].split('-').nth(1).unwrap().to_owned()
    };
    let id = service.event_in("DEAD_LETTER").await.to_string();
    assert_eq!(replay(id.clone()).await, TRACE_ID.simple().to_string());
    let shown = service.found(&format!("/admin/events/{id}")).await;
    assert_eq!(shown["traceId"], TRACE_ID.simple().to_string());
    // An event that the previous release stored has no trace.
    let id = service.event_in("FAILED").await.to_string();
    service.database.sql(&format!("UPDATE events SET trace_id = NULL WHERE id = '{id}'")).await;
    assert_eq!(replay(id.clone()).await, "0af7651916cd43dd8448eb211c80319c");
    assert!(service.found(&format!("/admin/events/{id}")).await["traceId"].is_null());
}

#[tokio::test]
async fn what_has_not_failed_is_not_replayed() {
    let service = Service::start().await;
    for status in ["PENDING", "PROCESSING", "PROCESSED"] {
        let id = service.event_in(status).await;
        let problem = service.replay(id).await.problem(StatusCode::CONFLICT);
        let detail = format!("only FAILED and DEAD_LETTER events can be replayed: this one is {status}");
        assert_eq!(problem["detail"], detail);
        assert_eq!(problem["eventStatus"], status);
        let event = service.found(&format!("/admin/events/{id}")).await;
        assert_eq!((&event["status"], &event["replays"]), (&json!(status), &json!([])));
    }
}

#[tokio::test]
async fn of_many_replays_at_once_one_counts() {
    let service = Service::start().await;
    for status in ["FAILED", "DEAD_LETTER"] {
        let id = service.event_in(status).await;
        let answers = join_all((0..8).map(|_| service.replay(id))).await;
        let queued = answers.iter().filter(|answer| answer.status == StatusCode::OK).count();
        let refused = answers.iter().filter(|answer| answer.status == StatusCode::CONFLICT).count();
        assert_eq!((queued, refused), (1, 7), "{status}: {answers:?}");
    }
    assert_eq!(service.database.value::<i64>("SELECT count(*) FROM replays").await, 2);
}

#[tokio::test]
async fn an_event_that_is_not_there_is_told_from_a_name_that_is_none() {
    let service = Service::start().await;
    service.replay("0199c0de-0000-7000-8000-000000000001").await.problem(StatusCode::NOT_FOUND);
    let problem = service.replay("1").await.problem(StatusCode::BAD_REQUEST);
    assert_eq!((&problem["field"], &problem["detail"]), (&json!("id"), &json!("id must be a UUID")));
}
