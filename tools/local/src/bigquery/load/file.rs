//! Converts an uploaded file into a file of rows, line by line.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::thread;

use super::numbers::NumberRule;
use super::row;
use crate::bigquery::job::{ErrorProto, Failure, LoadConfiguration};
use crate::bigquery::schema::Schema;

/// An upload has no file name. `BigQuery` calls its file by this name.
const UPLOADED_FILE: &str = "file-00000000";

pub(crate) struct Converted {
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    pub(crate) bad_records: Vec<ErrorProto>,
}

/// The rows that are refused although they fit the schema.
pub(crate) struct Unfit {
    pub(crate) containing: Option<String>,
    pub(crate) numbers: Option<NumberRule>,
}

/// The bytes that each processor converts at once.
const BLOCK: u64 = 2 << 20;

/// The inner error is one of the data, the outer error one of the disk.
pub(crate) fn convert(
    upload: &Path,
    row_file: &Path,
    schema: &Schema,
    load: &LoadConfiguration,
    unfit: &Unfit,
) -> io::Result<Result<Converted, Failure>> {
    let mut input = BufReader::new(File::open(upload)?);
    let mut output = File::create_new(row_file)?;
    let processors = thread::available_parallelism()?.get();
    let mut converted = Converted { rows: 0, bytes: 0, bad_records: Vec::new() };
    let mut position = 0;
    loop {
        let lines = (0..processors).map(|_| block(&mut input)).collect::<io::Result<Vec<_>>>()?;
        if lines[0].is_empty() {
            break;
        }
        let blocks: Vec<Block> = thread::scope(|scope| {
            let work = |lines: &'_ Vec<u8>| convert_block(lines, schema, load, unfit);
            let working: Vec<_> = lines.iter().map(|lines| scope.spawn(move || work(lines))).collect();
            let ended =
                working.into_iter().map(|block| block.join().map_err(|_| io::Error::other("a row panicked")));
            ended.collect::<io::Result<_>>()
        })?;
        for (block, lines) in blocks.into_iter().zip(&lines) {
            for (rows_before, at, message) in block.bad {
                converted.bad_records.push(bad_record(position + at, &message));
                if converted.bad_records.len() as u64 > load.max_bad_records {
                    converted.rows += rows_before;
                    return Ok(Err(too_many_errors(converted, load.max_bad_records)));
                }
            }
            converted.rows += block.rows;
            converted.bytes += block.bytes;
            output.write_all(&block.output)?;
            position += lines.len() as u64;
        }
    }
    output.sync_all()?;
    Ok(Ok(converted))
}

/// Reads whole lines. The block is empty at the end of the file.
fn block(input: &mut BufReader<File>) -> io::Result<Vec<u8>> {
    let mut lines = Vec::new();
    input.take(BLOCK).read_to_end(&mut lines)?;
    input.read_until(b'\n', &mut lines)?;
    Ok(lines)
}

#[derive(Default)]
struct Block {
    output: Vec<u8>,
    rows: u64,
    bytes: u64,
    /// For each bad row: the number of good rows before it, its position, and the error.
    bad: Vec<(u64, u64, String)>,
}

fn convert_block(lines: &[u8], schema: &Schema, load: &LoadConfiguration, unfit: &Unfit) -> Block {
    let mut block = Block { output: Vec::with_capacity(lines.len() * 5 / 4), ..Block::default() };
    let mut position = 0;
    for line in lines.split_inclusive(|&byte| byte == b'\n') {
        let record = line.trim_ascii();
        if !record.is_empty() {
            match convert_row(record, &mut block.output, schema, load, unfit) {
                Ok(bytes) => {
                    block.rows += 1;
                    block.bytes += bytes;
                }
                Err(message) => block.bad.push((block.rows, position, message)),
            }
        }
        if block.bad.len() as u64 > load.max_bad_records {
            break;
        }
        position += line.len() as u64;
    }
    block
}

/// Returns the logical bytes of the row.
fn convert_row(
    record: &[u8],
    output: &mut Vec<u8>,
    schema: &Schema,
    load: &LoadConfiguration,
    unfit: &Unfit,
) -> Result<u64, String> {
    if unfit.containing.as_deref().is_some_and(|part| String::from_utf8_lossy(record).contains(part)) {
        return Err("This row was told not to fit.".to_owned());
    }
    let cells = row::parse(record, schema, load.ignore_unknown_values, unfit.numbers)?;
    serde_json::to_writer(&mut *output, &cells).map_err(|error| error.to_string())?;
    output.push(b'\n');
    Ok(row::logical_bytes(&cells, schema))
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
