use axum::http::StatusCode;

use crate::harness::Service;
use crate::told;

#[tokio::test]
async fn an_event_comes_with_all_that_has_happened_to_it() {
    let service = Service::start().await;
    let id = service.event("user.signup", r#"{"z": 12345678901234567890123, "a": 1.50}"#).await;
    service.fail(id).await;
    service.die(id).await;
    assert!(service.replay(id).await.status.is_success());
    service.succeed(id).await;
    let answer = service.get(&format!("/admin/events/{id}")).await;
    insta::assert_json_snapshot!(answer.json(), {
        ".id" => "[id]",
        ".payload" => "[payload]",
        ".**.createdAt" => insta::dynamic_redaction(told::time),
        ".**.updatedAt" => insta::dynamic_redaction(told::time),
        ".**.processedAt" => insta::dynamic_redaction(told::time),
        ".**.failedAt" => insta::dynamic_redaction(told::time),
        ".**.startedAt" => insta::dynamic_redaction(told::time),
        ".**.endedAt" => insta::dynamic_redaction(told::time),
        ".**.finishedAt" => insta::dynamic_redaction(told::time),
    }, @r#"
    {
      "attempts": [
        {
          "attempt": 1,
          "ended": "FAILED",
          "endedAt": "[time]",
          "instance": "worker-1",
          "messageId": "7",
          "reason": "no answer from the mail server",
          "startedAt": "[time]"
        },
        {
          "attempt": 2,
          "ended": "PERMANENT",
          "endedAt": "[time]",
          "instance": "worker-1",
          "messageId": "7",
          "reason": "there is no such user",
          "startedAt": "[time]"
        }
      ],
      "createdAt": "[time]",
      "eventType": "user.signup",
      "failedAt": null,
      "failureReason": null,
      "id": "[id]",
      "metadata": null,
      "outcomes": [
        {
          "attempt": 2,
          "failureReason": "there is no such user",
          "finishedAt": "[time]",
          "retryCount": 3,
          "startedAt": "[time]",
          "status": "DEAD_LETTER"
        },
        {
          "attempt": 3,
          "failureReason": null,
          "finishedAt": "[time]",
          "retryCount": 0,
          "startedAt": "[time]",
          "status": "PROCESSED"
        }
      ],
      "payload": "[payload]",
      "processedAt": "[time]",
      "replays": [
        {
          "attempt": 2,
          "createdAt": "[time]",
          "fromStatus": "DEAD_LETTER",
          "requestedBy": "anonymous"
        }
      ],
      "retryCount": 0,
      "status": "PROCESSED",
      "traceId": "4bf92f3577b34da6a3ce929d0e0e4736",
      "updatedAt": "[time]"
    }
    "#);
    let text = str::from_utf8(&answer.body).unwrap();
    assert!(text.contains(r#""payload":{"z": 12345678901234567890123, "a": 1.50}"#), "{text}");
}

#[tokio::test]
async fn a_new_event_has_no_past() {
    let service = Service::start().await;
    let id = service.event_in("PENDING").await;
    let event = service.found(&format!("/admin/events/{id}")).await;
    insta::assert_json_snapshot!(event, {
        ".id" => "[id]",
        ".createdAt" => insta::dynamic_redaction(told::time),
        ".updatedAt" => insta::dynamic_redaction(told::time),
    }, @r#"
    {
      "attempts": [],
      "createdAt": "[time]",
      "eventType": "a",
      "failedAt": null,
      "failureReason": null,
      "id": "[id]",
      "metadata": null,
      "outcomes": [],
      "payload": {},
      "processedAt": null,
      "replays": [],
      "retryCount": 0,
      "status": "PENDING",
      "traceId": "4bf92f3577b34da6a3ce929d0e0e4736",
      "updatedAt": "[time]"
    }
    "#);
    assert_eq!(event["id"], id.to_string());
}

#[tokio::test]
async fn an_event_that_is_not_there_is_told_from_a_name_that_is_none() {
    let service = Service::start().await;
    let unknown = service.get("/admin/events/0199c0de-0000-7000-8000-000000000001").await;
    let problem = unknown.problem(StatusCode::NOT_FOUND);
    assert_eq!(problem["detail"], "there is no event 0199c0de-0000-7000-8000-000000000001");
    for name in ["1", "0199c0de", "%FF", "%00", "0199c0de-0000-7000-8000-00000000000g"] {
        let problem = service.get(&format!("/admin/events/{name}")).await.problem(StatusCode::BAD_REQUEST);
        let why = if name == "%FF" { "id must be UTF-8, in percent-encoding" } else { "id must be a UUID" };
        assert_eq!((&problem["field"], &problem["detail"]), (&"id".into(), &why.into()));
    }
}
