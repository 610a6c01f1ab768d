//! Reads the output of `COPY … TO STDOUT (FORMAT binary)`: <https://www.postgresql.org/docs/current/sql-copy.html>.

use std::ops::Range;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::Error;
use crate::error::unexpected;

const CUT: &str = "a copy that breaks off";
const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";
/// 2000-01-01, from which PostgreSQL counts.
const EPOCH: DateTime<Utc> = DateTime::from_timestamp(946_684_800, 0).unwrap();

/// The tuples, as the byte ranges of their fields. NULL has no range.
pub(super) struct Tuples<'a> {
    bytes: &'a [u8],
    at: usize,
    /// True if the copy was read to its end. Otherwise it ends with the last complete tuple.
    is_whole: bool,
}

impl<'a> Tuples<'a> {
    pub(super) fn of(bytes: &'a [u8], is_whole: bool) -> Result<Self, &'static str> {
        let mut tuples = Self { bytes, at: SIGNATURE.len(), is_whole };
        if !bytes.starts_with(SIGNATURE) {
            return Err("a copy without its signature");
        }
        let [_flags, extension] = [tuples.int32()?, tuples.int32()?];
        tuples.skip(usize::try_from(extension).map_err(|_| CUT)?)?;
        Ok(tuples)
    }

    pub(super) fn next<const N: usize>(&mut self) -> Result<Option<[Option<Range<usize>>; N]>, &'static str> {
        match self.tuple() {
            Err(CUT) if !self.is_whole => Ok(None),
            read => read,
        }
    }

    fn tuple<const N: usize>(&mut self) -> Result<Option<[Option<Range<usize>>; N]>, &'static str> {
        let count = i16::from_be_bytes(self.array()?);
        if count == -1 {
            return Ok(None);
        }
        if usize::try_from(count) != Ok(N) {
            return Err("a copy with other columns");
        }
        let mut fields = [const { None }; N];
        for field in &mut fields {
            // -1 is NULL.
            if let Ok(length) = usize::try_from(self.int32()?) {
                *field = Some(self.skip(length)?);
            }
        }
        Ok(Some(fields))
    }

    pub(super) fn number(&self, field: Option<Range<usize>>) -> Result<i64, Error> {
        let bytes = &self.bytes[present(field)?];
        Ok(i64::from_be_bytes(bytes.try_into().map_err(unexpected)?))
    }

    pub(super) fn uuid(&self, field: Option<Range<usize>>) -> Result<Uuid, Error> {
        Uuid::from_slice(&self.bytes[present(field)?]).map_err(unexpected)
    }

    pub(super) fn timestamp(&self, field: Option<Range<usize>>) -> Result<DateTime<Utc>, Error> {
        let at = EPOCH.checked_add_signed(TimeDelta::microseconds(self.number(field)?));
        at.ok_or_else(|| unexpected("a time that is not in the calendar"))
    }

    fn int32(&mut self) -> Result<i32, &'static str> {
        Ok(i32::from_be_bytes(self.array()?))
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], &'static str> {
        let range = self.skip(N)?;
        self.bytes[range].try_into().map_err(|_| CUT)
    }

    fn skip(&mut self, length: usize) -> Result<Range<usize>, &'static str> {
        let start = self.at;
        self.at = start.checked_add(length).filter(|end| *end <= self.bytes.len()).ok_or(CUT)?;
        Ok(start..self.at)
    }
}

pub(super) fn present(field: Option<Range<usize>>) -> Result<Range<usize>, Error> {
    field.ok_or_else(|| unexpected("NULL in a column that has none"))
}
