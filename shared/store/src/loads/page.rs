use std::collections::HashMap;
use std::ops::Range;

use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use sqlx::PgPool;
use uuid::Uuid;

use super::copy::{Tuples, present};
use super::{Load, Place};
use crate::error::unexpected;
use crate::{Error, Store, Xid};

/// The most bytes that are read of a page, even if the sizes of the page before suggest more rows. An event may have a
/// thousand times the size of another.
const PAGE_BYTES: usize = 16 * 1024 * 1024;
/// The messages that are read in any case. PostgreSQL sends one message for each row and one before the first, and a
/// page of two rows says where the next begins.
const LEAST_MESSAGES: usize = 4;

/// Rows of a range in the order of the log. Their text lies in one buffer, since a page may have ten thousand rows.
#[derive(Debug, Default)]
pub struct LoadPage {
    text: Vec<u8>,
    rows: Vec<Stored>,
    /// The place where the next page begins.
    pub next: Option<Place>,
}

#[derive(Debug)]
pub struct LoadRow<'a> {
    pub xid: Xid,
    pub id: Uuid,
    pub event_type: &'a str,
    pub payload: &'a str,
    pub metadata: Option<&'a str>,
    pub status: &'a str,
    pub retry_count: i32,
    pub processed_at: Option<DateTime<Utc>>,
    pub failed_at: Option<DateTime<Utc>>,
    pub failure_reason: Option<&'a str>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl LoadRow<'_> {
    pub fn place(&self) -> Place {
        Place { xid: self.xid, id: self.id }
    }
}

/// The fact with the byte ranges of its text, and the state of the event.
#[derive(Debug)]
struct Stored {
    place: Place,
    event_type: Range<usize>,
    payload: Range<usize>,
    metadata: Option<Range<usize>>,
    created_at: DateTime<Utc>,
    state: Option<State>,
}

#[derive(Debug)]
struct State {
    id: Uuid,
    status: String,
    retry_count: i32,
    processed_at: Option<DateTime<Utc>>,
    failed_at: Option<DateTime<Utc>>,
    failure_reason: Option<String>,
    updated_at: DateTime<Utc>,
}

impl LoadPage {
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The number of bytes of text.
    pub fn size(&self) -> usize {
        self.text.len()
    }

    pub fn rows(&self) -> impl Iterator<Item = Result<LoadRow<'_>, Error>> {
        self.rows.iter().map(|row| self.row(row))
    }

    fn row<'a>(&'a self, row: &'a Stored) -> Result<LoadRow<'a>, Error> {
        let text = |range: &Range<usize>| std::str::from_utf8(&self.text[range.clone()]).map_err(unexpected);
        let Some(state) = &row.state else {
            return Err(unexpected(format!("the event {} has no state", row.place.id)));
        };
        Ok(LoadRow {
            xid: row.place.xid,
            id: row.place.id,
            event_type: text(&row.event_type)?,
            payload: text(&row.payload)?,
            metadata: row.metadata.as_ref().map(text).transpose()?,
            status: &state.status,
            retry_count: state.retry_count,
            processed_at: state.processed_at,
            failed_at: state.failed_at,
            failure_reason: state.failure_reason.as_deref(),
            created_at: row.created_at,
            updated_at: state.updated_at,
        })
    }

    fn append(&mut self, text: &str) -> Range<usize> {
        let start = self.text.len();
        self.text.extend_from_slice(text.as_bytes());
        start..self.text.len()
    }

    /// Leaves all rows after the first `size` to the next page.
    fn cut(&mut self, size: u32) {
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        if let Some(row) = self.rows.get(size) {
            self.next = Some(row.place);
        }
        self.rows.truncate(size);
    }
}

impl Store {
    /// Reads `size` rows of a range from a place on, in the order of the log. Each page takes only short transactions.
    pub async fn load_page(&self, load: &Load, from: Place, size: u32) -> Result<LoadPage, Error> {
        let (to, batch) = (load.to(), load.batch);
        self.run(move |pool| async move {
            match batch {
                None => events(&pool, from, to, size).await,
                Some(batch) => rejects(&pool, batch, from, to, size).await,
            }
        })
        .await
    }
}

/// Copies the facts, which never change, and then reads the states of all of them in one statement. A join would look
/// them up row by row.
async fn events(pool: &PgPool, from: Place, to: Place, size: u32) -> Result<LoadPage, Error> {
    let mut page = facts(pool, from, to, size).await?;
    page.cut(size);
    let mut states = states(pool, page.rows.iter().map(|row| row.place.id).collect()).await?;
    for row in &mut page.rows {
        row.state = states.remove(&row.place.id);
    }
    Ok(page)
}

/// Reads one row more than `size`, which shows where the next page begins. The index on the xid alone is enough: its
/// rows are in order except for the ids within one transaction. COPY takes no parameters, and these are numbers and ids
/// of our own.
async fn facts(pool: &PgPool, from: Place, to: Place, size: u32) -> Result<LoadPage, Error> {
    let (Place { xid: Xid(low), id: first }, Place { xid: Xid(high), id: end }) = (from, to);
    let copy = format!(
        "COPY (SELECT xid, id, event_type, payload, metadata, created_at FROM events
                WHERE xid >= '{low}' AND xid <= '{high}'
                  AND (xid, id) >= ('{low}', '{first}') AND (xid, id) < ('{high}', '{end}')
                ORDER BY xid, id LIMIT {}) TO STDOUT (FORMAT binary)",
        u64::from(size) + 1
    );
    let mut connection = pool.acquire().await?;
    let mut stream = connection.copy_out_raw(&copy).await?;
    let (mut text, mut messages, mut is_whole) = (Vec::new(), 0, true);
    while let Some(bytes) = stream.try_next().await? {
        text.extend_from_slice(&bytes);
        messages += 1;
        if text.len() > PAGE_BYTES && messages > LEAST_MESSAGES {
            is_whole = false;
            break;
        }
    }
    drop(stream);
    if !is_whole {
        // Otherwise the next user of the connection would wait for the rest of the copy.
        connection.close_on_drop();
    }
    let mut rows = Vec::new();
    let mut tuples = Tuples::of(&text, is_whole).map_err(unexpected)?;
    while let Some([xid, id, event_type, payload, metadata, created_at]) =
        tuples.next().map_err(unexpected)?
    {
        rows.push(Stored {
            place: Place { xid: Xid(tuples.number(xid)?.cast_unsigned()), id: tuples.uuid(id)? },
            event_type: present(event_type)?,
            payload: present(payload)?,
            metadata,
            created_at: tuples.timestamp(created_at)?,
            state: None,
        });
    }
    let last = if is_whole { None } else { rows.pop() };
    Ok(LoadPage { text, rows, next: last.map(|row: Stored| row.place) })
}

/// Reads the states by the same rules as the view `event_records`.
async fn states(pool: &PgPool, mut ids: Vec<Uuid>) -> Result<HashMap<Uuid, State>, Error> {
    ids.sort_unstable();
    let (Some(&first), Some(&last)) = (ids.first(), ids.last()) else { return Ok(HashMap::new()) };
    let states = sqlx::query_as!(
        State,
        r#"WITH unfinished AS MATERIALIZED (
               SELECT * FROM live WHERE id = ANY($1)
           ), ended AS MATERIALIZED (
               SELECT DISTINCT ON (id) * FROM outcomes
                WHERE id = ANY($1) AND id BETWEEN $2 AND $3 ORDER BY id, attempt DESC
           )
           SELECT coalesce(l.id, o.id) AS "id!", coalesce(l.status, o.status)::text AS "status!",
                  coalesce(l.retry_count, o.retry_count) AS "retry_count!",
                  CASE WHEN l.id IS NULL AND o.status = 'PROCESSED' THEN o.finished_at END AS processed_at,
                  CASE WHEN l.id IS NULL AND o.status = 'DEAD_LETTER' THEN o.finished_at ELSE l.failed_at END AS failed_at,
                  CASE WHEN l.id IS NULL THEN o.failure_reason ELSE l.failure_reason END AS failure_reason,
                  coalesce(l.updated_at, o.finished_at) AS "updated_at!"
             FROM unfinished l FULL JOIN ended o ON o.id = l.id"#,
        &ids,
        first,
        last
    )
    .fetch_all(pool)
    .await?;
    Ok(states.into_iter().map(|state| (state.id, state)).collect())
}

async fn rejects(pool: &PgPool, batch: i64, from: Place, to: Place, size: u32) -> Result<LoadPage, Error> {
    let rows = sqlx::query!(
        r#"SELECT id, event_type, payload::text AS "payload!", metadata::text AS metadata, status, retry_count, processed_at,
                  failed_at, failure_reason, created_at, updated_at
             FROM load_rejects WHERE batch = $1 AND id >= $2 AND id < $3 ORDER BY id LIMIT $4::bigint + 1"#,
        batch,
        from.id,
        to.id,
        i64::from(size)
    )
    .fetch_all(pool)
    .await?;
    let mut page = LoadPage::default();
    for row in rows {
        let state = State {
            id: row.id,
            status: row.status,
            retry_count: row.retry_count,
            processed_at: row.processed_at,
            failed_at: row.failed_at,
            failure_reason: row.failure_reason,
            updated_at: row.updated_at,
        };
        let stored = Stored {
            place: Place { xid: from.xid, id: row.id },
            event_type: page.append(&row.event_type),
            payload: page.append(&row.payload),
            metadata: row.metadata.map(|metadata| page.append(&metadata)),
            created_at: row.created_at,
            state: Some(state),
        };
        page.rows.push(stored);
    }
    page.cut(size);
    Ok(page)
}
