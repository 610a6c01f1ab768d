//! No statement reads the whole of a table that grows. The tests call the store's own functions in sessions whose plans
//! PostgreSQL reports (`auto_explain`), so no statement is written here again, and every statement of the crate must be
//! among the reported ones.
#![allow(clippy::unwrap_used)]

mod calls;
mod filled;
mod plan;
mod told;

use std::collections::{BTreeMap, BTreeSet};

use store::{Store, StoreConfig};

use plan::Plan;
use told::Told;

/// Tables that a scan may read whole, since events do not make them longer.
const SMALL: [&str; 10] = [
    // These rows are made by hand, one by one. Ingest reads all keys and all schemas in any case.
    "api_keys",
    "event_types",
    // These have a row for each event type, each status, and each kept week of these.
    "event_totals",
    "outcome_totals",
    "counted",
    "cleared_totals",
    // These always have a few rows.
    "cursors",
    "leases",
    "count_audit",
    "_sqlx_migrations",
];

/// Parts of statements, each with the tables that it may read whole, since it is about all of their rows.
const WHOLE: [(&str, &[&str]); 9] = [
    // This counts the unfinished events by status. An index that could count them would name a column that each claim
    // changes, and no claim would be HOT.
    ("unfinished AS (", &["live"]),
    // This counts the FAILED events, with an index of these alone.
    ("count(*) FROM live WHERE failed_at IS NOT NULL AND status = 'FAILED'", &["live"]),
    // This searches by a status, and goes through the unfinished events, newest first.
    ("live.status::text = $7", &["live", "events_"]),
    // These take all rejects that can be requested, and all that were requested.
    ("UPDATE load_rejects SET requested_at", &["load_rejects"]),
    ("UPDATE load_rejects SET batch = number", &["load_rejects"]),
    // This counts the pages of the rejects, which nearly no event becomes.
    (r#"SELECT count(*) AS "total!" FROM load_rejects"#, &["load_rejects"]),
    // These rows are not events, and are deleted when they are old.
    (r#"SELECT count(*) AS "count!" FROM unreadable"#, &["unreadable"]),
    // This checks whether a week has any row, and the first row ends it.
    ("AS is_empty", &["events_", "outcomes_", "attempts_", "live"]),
    // This empties a week, except for the unfinished events.
    ("TRUNCATE events_", &["events_", "outcomes_", "attempts_", "live"]),
];

/// Statements that an operator runs once on a whole database, and that read the whole of it.
const NOT_CALLED: [&str; 14] = [
    "SELECT setval(",
    "FROM judged_events",
    "FROM cursors ORDER BY name FOR UPDATE",
    "'follow-upgrade'",
    "FROM adoption",
    "INTO adoption",
    "TRUNCATE adoption",
    "LOCK TABLE events",
    "'adopt'",
    "'adopted'",
    "NOT same AND",
    "UPDATE outcomes SET xid = '0'",
    "UPDATE replays SET xid = '0'",
    "SELECT FROM leases WHERE name = 'loads'",
];

/// A statement in a function that is planned for its ids each time. A page of overdue events can be of all weeks.
const OF_THEIR_WEEKS: &str = "SELECT * FROM events WHERE id = ANY(ids)";

/// Checks the plans with the statistics of analyzed tables, with the assumptions before that, and with plans that are
/// made once before that.
#[tokio::test]
async fn no_statement_reads_the_whole_of_a_table_that_grows() {
    let told = told::listen();
    let opens_all = opens_all_weeks(&told).await;
    assert!(opens_all.is_empty(), "on the way of an event, and names all weeks: {opens_all:#?}");
    let mut found = BTreeMap::<String, BTreeSet<String>>::new();
    let mut statements = BTreeSet::new();
    for (is_analyzed, plans_once) in [(true, false), (false, false), (false, true)] {
        let database = filled::database(is_analyzed).await;
        let config =
            StoreConfig { max_connections: 2, plans_once, ..StoreConfig::new(database.url.clone(), "plans") };
        let store = Store::new(&config).unwrap();
        calls::all(&database, &store).await;
        store.close().await;
        for plan in told.take() {
            let plan = Plan::parse(&plan);
            for (table, how) in plan.read_whole() {
                if is_growing(table) && !is_about_all_of(&plan, table) {
                    let known = if is_analyzed { "" } else { " (not analyzed)" };
                    let seen = format!("{table}: {how}{known}");
                    found.entry(plan.statement()).or_default().insert(seen);
                }
            }
            statements.insert(plan.statement());
        }
        database.remove().await;
    }
    assert!(found.is_empty(), "read from end to end: {found:#?}");
    let missing: Vec<_> = written().into_iter().filter(|statement| !statements.contains(statement)).collect();
    assert!(missing.is_empty(), "never called here: {missing:#?}");
}

/// The statements whose plans name all weeks. Such a plan locks all weeks, and with ten years of weeks a few such plans
/// take all locks that a server has.
async fn opens_all_weeks(told: &Told) -> BTreeSet<String> {
    let database = filled::database(false).await;
    let config = StoreConfig {
        max_connections: 2,
        plans_once: true,
        ..StoreConfig::new(database.url.clone(), "plans")
    };
    let store = Store::new(&config).unwrap();
    calls::way(&database, &store).await;
    store.close().await;
    database.remove().await;
    let plans: Vec<_> = told.take().iter().map(|plan| Plan::parse(plan)).collect();
    assert!(plans.len() > 100, "{} plans", plans.len());
    let opens_all = plans.iter().filter(|plan| plan.opens_all_weeks()).map(Plan::statement);
    opens_all.filter(|statement| statement != OF_THEIR_WEEKS).collect()
}

fn is_growing(table: &str) -> bool {
    let is_temporary = table.starts_with("kept");
    !SMALL.contains(&table) && !table.starts_with("pg_") && !is_temporary
}

fn is_about_all_of(plan: &Plan, table: &str) -> bool {
    let statement = plan.statement();
    let whole = WHOLE.iter().filter(|(part, _)| statement.contains(part));
    whole.flat_map(|(_, tables)| *tables).any(|begins| table.starts_with(begins))
}

/// The statements of this crate that read or change a table, as the macros have checked them.
fn written() -> BTreeSet<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/.sqlx");
    let files = std::fs::read_dir(folder).unwrap().map(|file| std::fs::read(file.unwrap().path()).unwrap());
    let statements = files.map(|file| {
        let file: serde_json::Value = serde_json::from_slice(&file).unwrap();
        plan::in_one_line(file["query"].as_str().unwrap())
    });
    statements.filter(|statement| !NOT_CALLED.iter().any(|part| statement.contains(part))).collect()
}
