//! From the uploaded file to a file of rows, a line at a time.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use super::row;
use crate::bigquery::job::{ErrorProto, Failure, LoadConfiguration};
use crate::bigquery::schema::Schema;

/// What `BigQuery` calls the file of an upload, which has no name.
const UPLOADED_FILE: &str = "file-00000000";

pub(crate) struct Converted {
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    pub(crate) bad_records: Vec<ErrorProto>,
}

/// The inner result is the data's fault, the outer one the disk's.
pub(crate) fn convert(
    upload: &Path,
    row_file: &Path,
    schema: &Schema,
    load: &LoadConfiguration,
    unfit: Option<&str>,
) -> io::Result<Result<Converted, Failure>> {
    let mut input = BufReader::new(File::open(upload)?);
    let mut output = BufWriter::new(File::create_new(row_file)?);
    let (mut line, mut position) = (Vec::new(), 0_u64);
    let mut converted = Converted { rows: 0, bytes: 0, bad_records: Vec::new() };
    loop {
        line.clear();
        let length = input.read_until(b'\n', &mut line)? as u64;
        if length == 0 {
            break;
        }
        let record = line.trim_ascii();
        if record.is_empty() {
            position += length;
            continue;
        }
        let is_unfit = unfit.is_some_and(|part| String::from_utf8_lossy(record).contains(part));
        let parsed = if is_unfit {
            Err("This row was told not to fit.".to_owned())
        } else {
            row::parse(record, schema, load.ignore_unknown_values)
        };
        match parsed {
            Ok(cells) => {
                converted.rows += 1;
                converted.bytes += row::logical_bytes(&cells, schema);
                serde_json::to_writer(&mut output, &cells)?;
                output.write_all(b"\n")?;
            }
            Err(message) => converted.bad_records.push(bad_record(position, &message)),
        }
        if converted.bad_records.len() as u64 > load.max_bad_records {
            return Ok(Err(too_many_errors(converted, load.max_bad_records)));
        }
        position += length;
    }
    output.into_inner()?.sync_all()?;
    Ok(Ok(converted))
}

fn bad_record(position: u64, message: &str) -> ErrorProto {
    ErrorProto {
        reason: "invalid".to_owned(),
        location: Some(UPLOADED_FILE.to_owned()),
        message: format!(
            "Error while reading data, error message: JSON parsing error in row starting at \
             position {position}: {message}"
        ),
    }
}

fn too_many_errors(converted: Converted, tolerated: u64) -> Failure {
    let errors = converted.bad_records.len() as u64;
    let rows = converted.rows + errors;
    let result = ErrorProto::new(
        "invalid",
        format!(
            "Error while reading data, error message: JSON table encountered too many errors, \
             giving up. Rows: {rows}; errors: {errors}. Please look into the errors[] collection \
             for more details."
        ),
    );
    let processing = ErrorProto::new(
        "invalid",
        format!(
            "Error while reading data, error message: JSON processing encountered too many \
             errors, giving up. Rows: {rows}; errors: {errors}; max bad: {tolerated}; error \
             percent: 0"
        ),
    );
    let mut causes = vec![processing];
    causes.extend(converted.bad_records);
    Failure { result, causes }
}
