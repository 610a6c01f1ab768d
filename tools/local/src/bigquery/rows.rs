//! `tabledata.list`: the rows of a table, page by page.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom};
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::catalog::RowFile;
use super::error::ApiError;
use super::load::timestamp;
use super::reference::TableRef;
use super::schema::{Field, FieldType};
use super::warehouse::Warehouse;

/// One line of a row file.
type Cells = Vec<Option<String>>;

/// `BigQuery` ends a page near 10 MB, whatever a request asks for.
const PAGE_BYTES: usize = 10 << 20;
/// The bytes of a cell in an answer in addition to its text.
const CELL_BYTES: usize = r#"{"v":""},"#.len();

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DataQuery {
    #[serde(default)]
    start_index: u64,
    #[serde(default = "unlimited")]
    max_results: usize,
    page_token: Option<String>,
    selected_fields: Option<String>,
    /// Clients write `true` or `True`.
    #[serde(rename = "formatOptions.useInt64Timestamp", default)]
    use_int64_timestamp: String,
}

fn unlimited() -> usize {
    usize::MAX
}

pub(crate) async fn list(
    State(warehouse): State<Arc<Warehouse>>,
    Path(reference): Path<TableRef>,
    query: Result<Query<DataQuery>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Query(query) = query?;
    let (columns, files) = {
        let catalog = warehouse.read();
        let fields = &catalog.table(&reference)?.schema.fields;
        (Columns::select(fields, &query)?, catalog.files(&reference).to_vec())
    };
    let total: u64 = files.iter().map(|file| file.rows).sum();
    let start = match &query.page_token {
        Some(token) => Position::parse(token, &files)?,
        None => Position::of_row(query.start_index, &files),
    };
    let most = query.max_results.min(warehouse.faults.rows_per_page().unwrap_or(usize::MAX));
    let read = move || read_page(&warehouse, &files, start, most);
    let (cells, next) = tokio::task::spawn_blocking(read).await??;
    let page = Page {
        kind: "bigquery#tableDataList",
        total_rows: total.to_string(),
        page_token: next,
        rows: cells.iter().map(|cells| columns.show(cells)).collect(),
    };
    Ok(Json(page).into_response())
}

struct Columns {
    selected: Vec<(usize, FieldType)>,
    int64_timestamps: bool,
}

impl Columns {
    fn select(fields: &[Field], query: &DataQuery) -> Result<Self, ApiError> {
        let column = |name: &str| {
            let index = fields.iter().position(|field| field.name == name);
            let unknown = || ApiError::invalid(format!("selectedFields: no such field: {name}"));
            index.map(|i| (i, fields[i].kind)).ok_or_else(unknown)
        };
        let selected = match &query.selected_fields {
            Some(names) => names.split(',').map(column).collect::<Result<_, _>>()?,
            None => fields.iter().map(|field| field.kind).enumerate().collect(),
        };
        Ok(Self { selected, int64_timestamps: query.use_int64_timestamp.eq_ignore_ascii_case("true") })
    }

    fn show<'a>(&self, cells: &'a Cells) -> Row<'a> {
        let shown = self.selected.iter().map(|(index, kind)| {
            // A row that is older than a column has NULL in it.
            let cell = cells.get(*index).and_then(Option::as_deref);
            match (cell, kind) {
                (Some(micros), FieldType::Timestamp) if !self.int64_timestamps => {
                    micros.parse().map(timestamp::to_float_seconds).map(Cow::Owned).ok()
                }
                _ => cell.map(Cow::Borrowed),
            }
        });
        Row { f: shown.map(|v| Cell { v }).collect() }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::struct_field_names, reason = "the names are Google's")]
struct Page<'a> {
    kind: &'static str,
    total_rows: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    page_token: Option<String>,
    rows: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    f: Vec<Cell<'a>>,
}

#[derive(Serialize)]
struct Cell<'a> {
    v: Option<Cow<'a, str>>,
}

/// The start of a page: a byte of one of the files, and the number of rows to skip after it.
struct Position {
    file: usize,
    byte: u64,
    skip: u64,
}

impl Position {
    fn of_row(index: u64, files: &[RowFile]) -> Self {
        let mut skip = index;
        for (file, RowFile { rows, .. }) in files.iter().enumerate() {
            if skip < *rows {
                return Self { file, byte: 0, skip };
            }
            skip -= rows;
        }
        let file = files.len();
        Self { file, byte: 0, skip }
    }

    fn parse(token: &str, files: &[RowFile]) -> Result<Self, ApiError> {
        let parsed = token.split_once(':').and_then(|(name, byte)| {
            let file = files.iter().position(|file| file.name == name)?;
            let byte = byte.parse().ok()?;
            Some(Self { file, byte, skip: 0 })
        });
        let invalid = || ApiError::invalid(format!("Invalid value for pageToken: \"{token}\""));
        parsed.ok_or_else(invalid)
    }
}

/// Returns the rows, and the token of the next page.
fn read_page(
    warehouse: &Warehouse,
    files: &[RowFile],
    mut start: Position,
    max_results: usize,
) -> io::Result<(Vec<Cells>, Option<String>)> {
    let (mut page, mut size) = (Vec::new(), 0);
    for file in &files[start.file..] {
        let mut reader = BufReader::new(File::open(warehouse.row_file(&file.name))?);
        reader.seek(SeekFrom::Start(start.byte))?;
        let mut line = Vec::new();
        loop {
            line.clear();
            let length = reader.read_until(b'\n', &mut line)?;
            if length == 0 {
                break;
            }
            if start.skip > 0 {
                start.skip -= 1;
            } else if page.len() >= max_results || size >= PAGE_BYTES {
                return Ok((page, Some(format!("{}:{}", file.name, start.byte))));
            } else {
                let cells: Cells = serde_json::from_slice(&line)?;
                size += length + cells.len() * CELL_BYTES;
                page.push(cells);
            }
            start.byte += length as u64;
        }
        start.byte = 0;
    }
    Ok((page, None))
}
