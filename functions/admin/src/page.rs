use service::Problem;

use crate::refusal::of_parameter;

pub(crate) const DEFAULT_LIMIT: u32 = 50;
pub(crate) const MAX_LIMIT: u32 = 200;

pub(crate) fn limit(text: Option<&str>) -> Result<u32, Problem> {
    match text.map(str::parse::<u32>) {
        None => Ok(DEFAULT_LIMIT),
        Some(Ok(limit)) if (1..=MAX_LIMIT).contains(&limit) => Ok(limit),
        Some(_) => Err(of_parameter("limit", format!("must be a number from 1 to {MAX_LIMIT}"))),
    }
}

/// Pages count from 1.
pub(crate) fn number(text: Option<&str>) -> Result<u32, Problem> {
    match text.map(str::parse::<u32>) {
        None => Ok(1),
        Some(Ok(page)) if page >= 1 => Ok(page),
        Some(_) => Err(of_parameter("page", format!("must be a number from 1 to {}", u32::MAX))),
    }
}
