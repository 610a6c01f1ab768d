use serde_json::json;

use crate::harness::Service;

#[tokio::test]
async fn every_committed_event_is_counted_at_once() {
    let service = Service::start().await;
    for status in ["PENDING", "PROCESSING", "PROCESSED", "PROCESSED", "FAILED", "DEAD_LETTER"] {
        service.event_in(status).await;
    }
    service.event("b", "{}").await;
    service.database.sql("UPDATE outcomes SET queued_at = finished_at - interval '1500 ms'").await;
    for _before_and_after_they_are_folded in 0..2 {
        let metrics = service.found("/admin/metrics").await;
        insta::allow_duplicates! {
            insta::assert_json_snapshot!(metrics, @r#"
    {
      "eventsByType": [
        {
          "count": 6,
          "eventType": "a"
        },
        {
          "count": 1,
          "eventType": "b"
        }
      ],
      "otherEventTypes": 0,
      "processingStats": {
        "averageProcessingTimeSeconds": 1.5,
        "totalProcessed": 2
      },
      "summary": {
        "deadLetter": 1,
        "failed": 1,
        "pending": 2,
        "processed": 2,
        "processing": 1,
        "total": 7
      }
    }
    "#);
        }
    }
    service.event("b", "{}").await;
    let metrics = service.found("/admin/metrics").await;
    assert_eq!((&metrics["summary"]["total"], &metrics["summary"]["pending"]), (&json!(8), &json!(3)));
}

#[tokio::test]
async fn an_end_that_was_replayed_counts_no_more() {
    let service = Service::start().await;
    let id = service.event_in("DEAD_LETTER").await;
    assert!(service.replay(id).await.status.is_success());
    let summary = service.found("/admin/metrics").await["summary"].clone();
    assert_eq!((&summary["deadLetter"], &summary["pending"]), (&json!(0), &json!(1)));
    service.succeed(id).await;
    let summary = service.found("/admin/metrics").await["summary"].clone();
    assert_eq!((&summary["deadLetter"], &summary["processed"]), (&json!(0), &json!(1)));
    assert_eq!(summary["total"], 1);
}

#[tokio::test]
async fn nothing_is_counted_as_nothing() {
    let service = Service::start().await;
    let metrics = service.found("/admin/metrics").await;
    assert_eq!(metrics["summary"]["total"], 0);
    assert_eq!(metrics["eventsByType"], json!([]));
    assert_eq!(metrics["processingStats"]["averageProcessingTimeSeconds"], 0.0);
}

#[tokio::test]
async fn types_are_named_up_to_a_hundred() {
    let service = Service::start().await;
    for n in 0..102 {
        service.event(&format!("type.{n:03}"), "{}").await;
    }
    service.event("type.101", "{}").await;
    let metrics = service.found("/admin/metrics").await;
    let types = metrics["eventsByType"].as_array().unwrap();
    assert_eq!(types.len(), 100);
    assert_eq!(types[0], json!({ "eventType": "type.101", "count": 2 }));
    assert_eq!(metrics["otherEventTypes"], 2);
}
