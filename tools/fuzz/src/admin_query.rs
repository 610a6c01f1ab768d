use std::collections::BTreeMap;
use std::fmt::Write;

use admin::testing::{audit, events, failed, loads, unreadable};
use axum::extract::Query;
use axum::http::{StatusCode, Uri};
use chrono::{DateTime, Datelike, FixedOffset, Utc};
use store::{Filter, Period};

use crate::answer::blames_sender;

/// The queries of admin's lists. A filter that is accepted can be written as a query again, including its cursor.
pub fn admin_query(bytes: &[u8]) {
    let Some(uri) = str::from_utf8(bytes).ok().and_then(uri) else { return };
    match events(&uri) {
        Ok((filter, limit)) => {
            assert!((1..=200).contains(&limit));
            is_what_was_asked(&filter, &uri);
            asks_again(&filter, limit);
        }
        Err(problem) => blames_sender(&problem, StatusCode::BAD_REQUEST, 0),
    }
    match failed(&uri) {
        Ok((offset, limit)) => {
            assert!(offset >= 0 && (1..=200).contains(&limit) && offset.checked_add(limit).is_some());
        }
        Err(problem) => blames_sender(&problem, StatusCode::BAD_REQUEST, 0),
    }
    match audit(&uri) {
        Ok((before, limit)) => {
            let cursor = before.map(|before| format!("&cursor={before}")).unwrap_or_default();
            assert_eq!(
                audit(&self::uri(&format!("limit={limit}{cursor}")).unwrap()).unwrap(),
                (before, limit)
            );
        }
        Err(problem) => blames_sender(&problem, StatusCode::BAD_REQUEST, 0),
    }
    match unreadable(&uri) {
        Ok((period, limit)) => {
            let again = unreadable(&self::uri(&query_of(&period, limit)).unwrap()).unwrap();
            assert_eq!(again, (period, limit));
        }
        Err(problem) => blames_sender(&problem, StatusCode::BAD_REQUEST, 0),
    }
    match loads(&uri) {
        Ok((status, period, limit)) => {
            let query = query_of(&period, limit);
            let status_again =
                status.map(|status| format!("&status={}", status.as_str())).unwrap_or_default();
            let again = loads(&self::uri(&(query + &status_again)).unwrap()).unwrap();
            assert_eq!(again, (status, period, limit));
        }
        Err(problem) => blames_sender(&problem, StatusCode::BAD_REQUEST, 0),
    }
}

fn query_of(period: &Period, limit: u32) -> String {
    let mut query = format!("limit={limit}");
    for (name, at) in [("since", period.since), ("until", period.until)] {
        if let Some(at) = at {
            write!(query, "&{name}={}", escaped(&time(at))).unwrap();
        }
    }
    if let Some(before) = period.before {
        write!(query, "&cursor={}-{}", before.at.timestamp_micros(), before.id).unwrap();
    }
    query
}

fn is_what_was_asked(filter: &Filter, uri: &Uri) {
    let Query(asked) = Query::<BTreeMap<String, String>>::try_from_uri(uri).unwrap();
    assert_eq!(filter.event_type.as_ref(), asked.get("eventType"));
    assert_eq!(filter.status.map(|status| status.to_string()).as_ref(), asked.get("status"));
    assert_eq!(filter.before, asked.get("cursor").map(|cursor| cursor.parse().unwrap()));
    let time = |name| asked.get(name).map(|at| at.parse::<DateTime<Utc>>().unwrap());
    assert_eq!((filter.since, filter.until), (time("since"), time("until")));
}

fn asks_again(filter: &Filter, limit: u32) {
    let times = [("since", filter.since), ("until", filter.until)];
    let times = times.map(|(name, at)| (name, at.map(time)));
    let others = [
        ("status", filter.status.map(|status| status.to_string())),
        ("eventType", filter.event_type.clone()),
        ("cursor", filter.before.map(|before| before.to_string())),
    ];
    let mut query = format!("limit={limit}");
    for (name, value) in times.into_iter().chain(others) {
        if let Some(value) = value {
            write!(query, "&{name}={}", escaped(&value)).unwrap();
        }
    }
    let (again, limit_again) = events(&uri(&query).unwrap()).unwrap();
    assert_eq!((format!("{again:?}"), limit_again), (format!("{filter:?}"), limit), "{query}");
}

/// A parsed time may lie outside of the years 0 to 9999 in UTC, because its own offset moves it. This offset brings
/// the year back to four digits.
fn time(at: DateTime<Utc>) -> String {
    let day = 24 * 60 * 60 - 60;
    let offset = match at.year() {
        ..0 => day,
        0..=9999 => 0,
        _ => -day,
    };
    at.with_timezone(&FixedOffset::east_opt(offset).unwrap()).to_rfc3339()
}

fn escaped(value: &str) -> String {
    value.bytes().fold(String::new(), |mut text, byte| {
        write!(text, "%{byte:02X}").unwrap();
        text
    })
}

fn uri(query: &str) -> Option<Uri> {
    format!("/?{query}").parse().ok()
}
