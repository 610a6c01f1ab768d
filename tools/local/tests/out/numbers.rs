//! A number never causes the loss of a row, and never uses up the day's jobs.

use bq_flush::Settings;
use serde_json::json;
use store::Numbers;

use crate::harness::{Drained, Out, settings, settled};

const JOBS: &str = "SELECT count(*) FROM load_jobs";
const CHANGED: &str = "SELECT sum(changed)::bigint FROM loads";

async fn as_parse_json(out: &Out) {
    out.warehouse.faults(json!({"numbers": "parseJson"})).await;
}

#[tokio::test]
async fn a_number_that_is_not_refused_stays_as_it_is() {
    let out = Out::start().await;
    let posted = r#"{"a":67.174118,"b":123456789012345678901234567890,"c":1e400}"#;
    let ids = out.events(&[posted]).await;
    out.drain().await;
    assert_eq!(out.payloads().await[&ids[0]], posted);
    assert_eq!((out.number(JOBS).await, out.number(CHANGED).await), (1, 0));
}

#[tokio::test]
async fn a_refused_row_goes_rounded_is_counted_and_the_others_stay_as_they_are() {
    let out = Out::start().await;
    as_parse_json(&out).await;
    let posted = [
        r#"{"is":0.1}"#,
        r#"{"total":67.174118,"at":1685019801.1016695,"id":12345678901234567890123,"far":1e400,"kept":0.5}"#,
        r#"{"is":12.50}"#,
    ];
    let ids = out.events(&posted).await;
    settled(&out.database).await;
    let done = out.flusher.flushed().await;
    assert_eq!(
        (&done["rows"], &done["rejected"], &done["rounded"]),
        (&json!(3), &json!(0), &json!(1)),
        "{done}"
    );
    let rounded: Vec<_> =
        done["loads"].as_array().unwrap().iter().filter(|load| load["numbers"] == "rounded").collect();
    assert_eq!(
        (rounded.len(), &rounded[0]["rows"], &rounded[0]["rounded"]),
        (1, &json!(1), &json!(1)),
        "{done}"
    );
    let kept = out.payloads().await;
    assert_eq!(
        kept[&ids[1]],
        r#"{"total":67.17411800000001,"at":1685019801.10167,"id":"12345678901234567890123","far":"1e400","kept":0.5}"#
    );
    assert_eq!((kept[&ids[0]].as_str(), kept[&ids[2]].as_str()), (posted[0], posted[2]));
    let marked =
        "SELECT count(*) FROM loads WHERE numbers = 'rounded' AND refusal LIKE '%Input number: # cannot%'";
    assert_eq!((out.number(marked).await, out.number(CHANGED).await), (1, 1));
    out.holds(&ids).await;
}

#[tokio::test]
async fn many_refusals_of_a_kind_take_a_few_jobs_and_then_two_a_range() {
    let out = Out::start().await;
    as_parse_json(&out).await;
    let many = [r#"{"total":67.174118}"#; 200];
    let mut ids = out.events(&many).await;
    assert_eq!(out.drain().await, Drained { rows: 200, rejected: 0 });
    let jobs = out.number(JOBS).await;
    assert!(jobs <= 20, "{jobs} jobs");
    assert_eq!(out.number(CHANGED).await, 200);
    ids.extend(out.events(&many).await);
    assert_eq!(out.drain().await, Drained { rows: 200, rejected: 0 });
    assert_eq!(out.number(JOBS).await, jobs + 2);
    assert_eq!(out.number(CHANGED).await, 400);
    out.holds(&ids).await;
}

#[tokio::test]
async fn where_no_decimal_is_taken_they_go_as_text() {
    let out = Out::start().await;
    out.warehouse.faults(json!({"numbers": "integersOnly"})).await;
    let many: Vec<_> = (0..100).map(|n| format!(r#"{{"n":{n},"half":{n}.5}}"#)).collect();
    let ids = out.events(&many.iter().map(String::as_str).collect::<Vec<_>>()).await;
    assert_eq!(out.drain().await, Drained { rows: 100, rejected: 0 });
    assert_eq!(out.payloads().await[&ids[7]], r#"{"n":7,"half":"7.5"}"#);
    let jobs = out.number(JOBS).await;
    assert!(jobs <= 20, "{jobs} jobs");
    out.holds(&ids).await;
}

#[tokio::test]
async fn what_does_not_fit_for_another_reason_is_rejected_all_the_same() {
    let out = Out::start().await;
    out.warehouse.faults(json!({"numbers": "parseJson", "invalidRows": "poison"})).await;
    let poison = r#"{"is":"poison","total":67.174118}"#;
    let mut ids = out.events(&[r#"{"total":51.4166919}"#, "good", poison, "good"]).await;
    let bad = ids.remove(2);
    assert_eq!(out.drain().await, Drained { rows: 3, rejected: 1 });
    out.holds(&ids).await;
    assert_eq!(out.number(&format!("SELECT count(*) FROM load_rejects WHERE id = '{bad}'")).await, 1);
    assert_eq!(out.number(CHANGED).await, 1, "the reject is not in BigQuery");
}

#[tokio::test]
async fn by_the_setting_all_go_rounded_from_the_start() {
    let out = Out::with(Settings { numbers: Numbers::Rounded, ..settings() }).await;
    as_parse_json(&out).await;
    let ids = out.events(&[r#"{"total":67.174118}"#, r#"{"total":0.5}"#]).await;
    settled(&out.database).await;
    let done = out.flusher.flushed().await;
    assert_eq!(
        (&done["rows"], &done["rounded"], &done["jobsLeftToday"]),
        (&json!(2), &json!(1), &json!(1499)),
        "{done}"
    );
    assert_eq!(out.payloads().await[&ids[0]], r#"{"total":67.17411800000001}"#);
}
