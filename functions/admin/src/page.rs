use std::fmt::Display;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use service::Problem;
use store::{Period, Position};
use utoipa::{IntoParams, ToSchema};

use crate::events::time;
use crate::refusal::of_parameter;

pub(crate) const DEFAULT_LIMIT: u32 = 50;
pub(crate) const MAX_LIMIT: u32 = 200;

/// The parameters of a numbered list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Search {
    /// From 1
    #[param(value_type = Option<u64>, minimum = 1, maximum = 4_294_967_295_u64)]
    page: Option<String>,
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<String>,
}

impl Search {
    pub(crate) fn asked(&self) -> Result<Pagination, Problem> {
        let pages = Numbered { last: u32::MAX, elsewhere: "" };
        Pagination::asked(self.page.as_deref(), self.limit.as_deref(), pages)
    }
}

/// The last page of a list, and a hint for finding the rest.
#[derive(Clone, Copy)]
pub(crate) struct Numbered {
    pub(crate) last: u32,
    pub(crate) elsewhere: &'static str,
}

/// The number of this page, and the size of the list.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Pagination {
    page: u32,
    limit: u32,
    total: i64,
    total_pages: i64,
}

impl Pagination {
    /// Reads the parameters, before the total is known.
    pub(crate) fn asked(page: Option<&str>, asked: Option<&str>, pages: Numbered) -> Result<Self, Problem> {
        let (page, limit) = (number(page, pages)?, limit(asked)?);
        Ok(Self { page, limit, total: 0, total_pages: 0 })
    }

    pub(crate) fn limit(&self) -> i64 {
        i64::from(self.limit)
    }

    pub(crate) fn offset(&self) -> i64 {
        i64::from(self.page - 1) * self.limit()
    }

    pub(crate) fn of(self, total: i64) -> Self {
        let total_pages = (total + self.limit() - 1) / self.limit();
        Self { total, total_pages, ..self }
    }
}

pub(crate) fn limit(text: Option<&str>) -> Result<u32, Problem> {
    match text.map(str::parse::<u32>) {
        None => Ok(DEFAULT_LIMIT),
        Some(Ok(limit)) if (1..=MAX_LIMIT).contains(&limit) => Ok(limit),
        Some(_) => Err(of_parameter("limit", format!("must be a number from 1 to {MAX_LIMIT}"))),
    }
}

pub(crate) fn parsed<T: FromStr<Err: Display>>(
    name: &'static str,
    text: Option<&str>,
) -> Result<Option<T>, Problem> {
    text.map(str::parse).transpose().map_err(|why| of_parameter(name, why))
}

pub(crate) fn moment(name: &'static str, text: Option<&str>) -> Result<Option<DateTime<Utc>>, Problem> {
    text.map(time).transpose().map_err(|why| of_parameter(name, why))
}

/// Reads the parameters of a list that is ordered by time.
pub(crate) fn period(
    since: Option<&str>,
    until: Option<&str>,
    cursor: Option<&str>,
) -> Result<Period, Problem> {
    let position = |text| position(text).ok_or_else(no_cursor);
    Ok(Period {
        since: moment("since", since)?,
        until: moment("until", until)?,
        before: cursor.map(position).transpose()?,
    })
}

pub(crate) fn no_cursor() -> Problem {
    of_parameter("cursor", "must be a nextCursor of an earlier page")
}

/// Returns at most `limit` of the rows, and the position where the next page begins. One row more than these tells
/// whether there is a next page.
pub(crate) fn of<T>(
    mut rows: Vec<T>,
    limit: u32,
    position: impl Fn(&T) -> Position,
) -> (Vec<T>, Option<String>) {
    let limit = limit as usize;
    let is_last = rows.len() <= limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| !is_last).map(position);
    (rows, next.map(|Position { at, id }| format!("{}-{id}", at.timestamp_micros())))
}

/// Parses a cursor: a time in microseconds, which is the precision of the database, and an id. The number of digits is
/// limited so that neither is too large for the database.
fn position(text: &str) -> Option<Position> {
    let (at, id) = text.split_once('-')?;
    let number = |digits: &str, most| {
        let is_number = digits.len() <= most && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse::<i64>().ok().filter(|_| is_number)
    };
    Some(Position { at: DateTime::from_timestamp_micros(number(at, 17)?)?, id: number(id, 18)? })
}

/// Pages count from 1.
fn number(text: Option<&str>, pages: Numbered) -> Result<u32, Problem> {
    let Numbered { last, elsewhere } = pages;
    match text.map(str::parse::<u32>) {
        None => Ok(1),
        Some(Ok(page)) if (1..=last).contains(&page) => Ok(page),
        Some(_) => Err(of_parameter("page", format!("must be a number from 1 to {last}{elsewhere}"))),
    }
}
