use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use chrono::{DateTime, Datelike, SecondsFormat, Timelike, Utc};
use futures::Stream;
use futures::stream::poll_fn;
use service::BoxError;
use store::{FlusherLease, Load, LoadPage, LoadRow, Numbers};
use tokio::sync::mpsc::{self, Sender};
use tracing::Instrument;

use crate::marks::Marks;
use crate::{Flusher, json};

/// The target size of a page, so that memory depends neither on the number of rows nor on their size.
const PAGE_BYTES: usize = 4 << 20;
/// The number of rows to read before their size is known.
const FIRST_PAGE: u32 = 500;

/// Streams the range as newline-delimited JSON, one page at a time; the next page is read while one is sent. Each page
/// renews the lease, and without the lease there is no next page.
pub(crate) fn of(
    flusher: Arc<Flusher>,
    lease: FlusherLease,
    load: &Load,
    marks: Arc<Mutex<Marks>>,
) -> impl Stream<Item = Result<Bytes, BoxError>> + Send + 'static {
    let (pages, mut read) = mpsc::channel(1);
    let load = load.clone();
    let reading = async move {
        if let Err(error) = send_pages(&flusher, lease, &load, &marks, &pages).await {
            // Sending fails only if the upload has ended.
            pages.send(Err(error)).await.ok();
        }
    };
    tokio::spawn(reading.in_current_span());
    poll_fn(move |context| read.poll_recv(context))
}

async fn send_pages(
    flusher: &Flusher,
    lease: FlusherLease,
    load: &Load,
    marks: &Mutex<Marks>,
    pages: &Sender<Result<Bytes, BoxError>>,
) -> Result<(), BoxError> {
    let most = flusher.settings.rows_per_page;
    let (mut from, mut size, mut changed) = (Some(load.from()), FIRST_PAGE.min(most), 0);
    while let Some(place) = from {
        // The receiver is gone if the upload has ended, and then no more pages are necessary.
        let Ok(slot) = pages.reserve().await else { break };
        let (is_held, page) = futures::try_join!(
            flusher.store.renew_flusher_lease(lease),
            flusher.store.load_page(load, place, size)
        )?;
        if !is_held {
            return Err("another flusher has taken over".into());
        }
        let lines =
            Lines::of(&page, load.numbers, &mut marks.lock().unwrap_or_else(PoisonError::into_inner))?;
        changed += lines.changed;
        // The job cannot exist before the last page is uploaded, so the count is recorded before any flusher can find
        // the job.
        if page.next.is_none()
            && changed > 0
            && !flusher.store.note_changed_rows(lease, load, changed).await?
        {
            return Err("another flusher has taken over".into());
        }
        slot.send(Ok(lines.bytes));
        (from, size) = (page.next, next_size(&page).min(most));
    }
    Ok(())
}

/// The number of rows that fill a page if they are like those of the last one.
fn next_size(page: &LoadPage) -> u32 {
    let rows = PAGE_BYTES.saturating_mul(page.len()) / page.size().max(1);
    u32::try_from(rows).unwrap_or(u32::MAX).max(1)
}

struct Lines {
    bytes: Bytes,
    /// The number of rows in which a number is not written as it came.
    changed: i64,
}

impl Lines {
    fn of(page: &LoadPage, form: Numbers, marks: &mut Marks) -> Result<Self, BoxError> {
        let mut lines = Vec::with_capacity(page.size() + page.len() * ROOM);
        let mut changed = 0;
        for row in page.rows() {
            let row = row?;
            let start = lines.len();
            changed += i64::from(write(&mut lines, &row, form)?);
            marks.row(row.place(), lines.len() - start);
        }
        Ok(Self { bytes: Bytes::from(lines), changed })
    }
}

/// The approximate size of a line beside its text.
const ROOM: usize = 320;

/// Writes a row in the form that BigQuery loads, and returns whether a number is not written as it came. The status
/// fields are as of the load: most events are PENDING or PROCESSED by then.
fn write(line: &mut Vec<u8>, row: &LoadRow<'_>, form: Numbers) -> Result<bool, serde_json::Error> {
    line.extend_from_slice(br#"{"id":""#);
    line.extend_from_slice(row.id.as_hyphenated().encode_lower(&mut uuid::Uuid::encode_buffer()).as_bytes());
    line.extend_from_slice(br#"","eventType":"#);
    serde_json::to_writer(&mut *line, row.event_type)?;
    line.extend_from_slice(br#","payload":"#);
    let payload_changed = json::write(line, Some(row.payload), form);
    line.extend_from_slice(br#","metadata":"#);
    let metadata_changed = json::write(line, row.metadata, form);
    line.extend_from_slice(br#","status":"#);
    serde_json::to_writer(&mut *line, row.status)?;
    line.extend_from_slice(br#","processedAt":"#);
    timestamp(line, row.processed_at);
    line.extend_from_slice(br#","failedAt":"#);
    timestamp(line, row.failed_at);
    line.extend_from_slice(br#","failureReason":"#);
    serde_json::to_writer(&mut *line, &row.failure_reason)?;
    line.extend_from_slice(br#","retryCount":"#);
    serde_json::to_writer(&mut *line, &row.retry_count)?;
    line.extend_from_slice(br#","createdAt":"#);
    timestamp(line, Some(row.created_at));
    line.extend_from_slice(br#","updatedAt":"#);
    timestamp(line, Some(row.updated_at));
    line.extend_from_slice(b"}\n");
    Ok(payload_changed || metadata_changed)
}

/// Writes RFC 3339 with microseconds. It is written by hand, because three timestamps took a third of the time of a
/// row.
fn timestamp(line: &mut Vec<u8>, at: Option<DateTime<Utc>>) {
    let Some(at) = at else { return line.extend_from_slice(b"null") };
    let Ok(year @ 0..=9999) = u32::try_from(at.year()) else {
        let text = at.to_rfc3339_opts(SecondsFormat::Micros, true);
        return line.extend_from_slice(format!("\"{text}\"").as_bytes());
    };
    let mut text = *b"\"0000-00-00T00:00:00.000000Z\"";
    let parts = [
        (1..5, year),
        (6..8, at.month()),
        (9..11, at.day()),
        (12..14, at.hour()),
        (15..17, at.minute()),
        (18..20, at.second()),
        (21..27, at.nanosecond() / 1_000),
    ];
    for (place, mut number) in parts {
        for digit in text[place].iter_mut().rev() {
            *digit += (number % 10) as u8;
            number /= 10;
        }
    }
    line.extend_from_slice(&text);
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use serde::Serialize;
    use serde_json::value::RawValue;

    use super::*;

    /// The same row by way of serde, which is slow and reliable.
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Sure<'a> {
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

    fn surely(row: &LoadRow<'_>) -> String {
        let one_line = |json: &str| json.replace(['\n', '\r'], " ");
        let at = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Micros, true);
        let payload = one_line(row.payload);
        let metadata = row.metadata.map(one_line);
        let sure = Sure {
            id: row.id,
            event_type: row.event_type,
            payload: serde_json::from_str(&payload).unwrap(),
            metadata: metadata.as_deref().map(|json| serde_json::from_str(json).unwrap()),
            status: row.status,
            processed_at: row.processed_at.map(at),
            failed_at: row.failed_at.map(at),
            failure_reason: row.failure_reason,
            retry_count: row.retry_count,
            created_at: at(row.created_at),
            updated_at: at(row.updated_at),
        };
        serde_json::to_string(&sure).unwrap() + "\n"
    }

    fn row(payload: &str) -> LoadRow<'_> {
        LoadRow {
            xid: store::Xid(3),
            id: uuid::Uuid::from_u128(0x0189_abcd_ef01_7000_8000_0000_0000_0fff),
            event_type: "a",
            payload,
            metadata: None,
            status: "PENDING",
            retry_count: 0,
            processed_at: None,
            failed_at: None,
            failure_reason: None,
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
        }
    }

    fn written(row: &LoadRow<'_>) -> String {
        let mut line = Vec::new();
        write(&mut line, row, Numbers::Exact).unwrap();
        String::from_utf8(line).unwrap()
    }

    #[test]
    fn a_row_is_one_line_and_keeps_its_numbers() {
        let text = written(&row("{\n  \"n\": 12345678901234567890.10,\r\n  \"t\": \"x\\ny\"\n}"));
        assert_eq!(text.matches('\n').count(), 1);
        assert!(text.contains("12345678901234567890.10") && text.contains(r"x\ny"), "{text}");
        assert!(text.contains(r#""createdAt":"1970-01-01T00:00:00.000000Z""#), "{text}");
    }

    #[test]
    fn what_is_written_by_hand_is_what_serde_writes() {
        let deep = format!("{}1{}", "[".repeat(90), "]".repeat(90));
        let payloads: [Cow<'_, str>; 9] = [
            "{}".into(),
            " \r\n\t{\"a\" :\n\t[ 1 ,\r\n2 ]}\n ".into(),
            r#"{"a":"line\nfeed \r \t \" \\ \/ \u0041 \u00e9 \ud800 \u2028"}"#.into(),
            "{\"ключ\":\"é\u{2028}\u{85}😀\u{7f}\"}".into(),
            r#"{"a":1e400,"b":-0.0,"c":123456789012345678901234567890.000100,"d":1E+2,"a":2}"#.into(),
            "null".into(),
            "\"text\"".into(),
            "-0".into(),
            deep.into(),
        ];
        for payload in &payloads {
            for metadata in [None, Some("null"), Some("{\r\n}\n"), Some(r#"{"m":"\u0000"}"#)] {
                let row = LoadRow {
                    event_type: "a.\"b\"\\\n\u{1}é😀",
                    metadata,
                    failure_reason: Some("said \"no\"\r\n\t\u{8}\u{c}\u{1f}\u{7f}\u{2028}/"),
                    retry_count: -7,
                    ..row(payload)
                };
                assert_eq!(written(&row), surely(&row));
            }
        }
    }

    #[test]
    fn times_are_written_as_chrono_writes_them() {
        for micros in [
            0,
            -1,
            1,
            1_709_164_799_999_999,
            1_709_164_800_000_000,
            253_402_300_799_999_999,
            253_402_300_800_000_000,
            -62_135_596_800_000_000,
            -62_167_219_200_000_001,
        ] {
            let at = DateTime::from_timestamp_micros(micros).unwrap();
            let row = LoadRow { processed_at: Some(at), failed_at: Some(at), created_at: at, ..row("1") };
            assert_eq!(written(&row), surely(&row));
        }
    }
}
