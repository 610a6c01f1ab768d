use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use futures::Stream;
use futures::stream::try_unfold;
use serde::Serialize;
use serde_json::value::RawValue;
use service::BoxError;
use store::{FlusherLease, Load, LoadRow, Place};

use crate::Flusher;
use crate::marks::Marks;

/// A row as BigQuery loads it. The status fields are as of the load: most events are PENDING or PROCESSED by then.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row<'a> {
    id: uuid::Uuid,
    event_type: &'a str,
    payload: &'a RawValue,
    metadata: Option<&'a RawValue>,
    status: &'a str,
    processed_at: Option<String>,
    failed_at: Option<String>,
    failure_reason: Option<&'a str>,
    retry_count: i32,
    created_at: String,
    updated_at: String,
}

/// The range as newline-delimited JSON, a page at a time. Each page renews the lease, and without the lease there is no next page.
pub(crate) fn of(
    flusher: Arc<Flusher>,
    lease: FlusherLease,
    load: &Load,
    marks: Arc<Mutex<Marks>>,
) -> impl Stream<Item = Result<Bytes, BoxError>> + Send + 'static {
    let load = load.clone();
    try_unfold(Some(load.from()), move |from: Option<Place>| {
        let (flusher, load, marks) = (flusher.clone(), load.clone(), marks.clone());
        async move {
            let Some(from) = from else { return Ok(None) };
            if !flusher.store.hold_flusher_lease(lease).await? {
                return Err("another flusher has taken over".into());
            }
            let page = flusher.store.load_page(&load, from, flusher.settings.rows_per_page).await?;
            let mut lines = Vec::new();
            let mut marks = marks.lock().unwrap_or_else(PoisonError::into_inner);
            for row in &page.rows {
                let start = lines.len();
                write(&mut lines, row)?;
                marks.row(row.place(), lines.len() - start);
            }
            Ok(Some((Bytes::from(lines), page.next)))
        }
    })
}

fn write(lines: &mut Vec<u8>, row: &LoadRow) -> Result<(), serde_json::Error> {
    let payload = one_line(&row.payload);
    let metadata = row.metadata.as_deref().map(one_line);
    let row = Row {
        id: row.id,
        event_type: &row.event_type,
        payload: serde_json::from_str(&payload)?,
        metadata: metadata.as_deref().map(serde_json::from_str).transpose()?,
        status: &row.status,
        processed_at: row.processed_at.map(timestamp),
        failed_at: row.failed_at.map(timestamp),
        failure_reason: row.failure_reason.as_deref(),
        retry_count: row.retry_count,
        created_at: timestamp(row.created_at),
        updated_at: timestamp(row.updated_at),
    };
    serde_json::to_writer(&mut *lines, &row)?;
    lines.push(b'\n');
    Ok(())
}

/// JSON has line breaks between its tokens alone, never inside a string, so a space serves.
fn one_line(json: &str) -> String {
    json.replace(['\n', '\r'], " ")
}

fn timestamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_one_line_and_keeps_its_numbers() {
        let at = DateTime::UNIX_EPOCH;
        let row = LoadRow {
            xid: store::Xid(3),
            id: uuid::Uuid::nil(),
            event_type: "a".into(),
            payload: "{\n  \"n\": 12345678901234567890.10,\r\n  \"t\": \"x\\ny\"\n}".into(),
            metadata: None,
            status: "PENDING".into(),
            retry_count: 0,
            processed_at: None,
            failed_at: None,
            failure_reason: None,
            created_at: at,
            updated_at: at,
        };
        let mut lines = Vec::new();
        write(&mut lines, &row).unwrap();
        let text = String::from_utf8(lines).unwrap();
        assert_eq!(text.matches('\n').count(), 1);
        assert!(text.contains("12345678901234567890.10") && text.contains(r"x\ny"), "{text}");
        assert!(text.contains(r#""createdAt":"1970-01-01T00:00:00.000000Z""#), "{text}");
    }
}
