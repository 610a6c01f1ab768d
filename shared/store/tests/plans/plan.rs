use serde_json::Value;

/// The most rows that a scan may read for nothing: rows that are thrown away, or that are beyond a limit.
const MOST_FOR_NOTHING: f64 = 1_000.0;

/// Partial indexes that stay short while their table grows, since each row leaves them when its load ends. Any other
/// partial index grows with its table, only slower: reading the dead events from end to end takes longer with each of
/// them.
const SHORT: [&str; 4] = ["loads_open", "load_rejects_batch", "load_rejects_requested", "load_rejects_asked"];

/// The plan with which PostgreSQL has run a statement.
pub(crate) struct Plan {
    statement: String,
    root: Value,
}

impl Plan {
    /// Reads the output of `auto_explain`: a line with the time that the statement took, and the plan.
    pub(crate) fn parse(told: &str) -> Self {
        let json = told.split_once("plan:").unwrap().1;
        let mut plan: Value = serde_json::from_str(json).unwrap();
        Self { statement: in_one_line(plan["Query Text"].as_str().unwrap()), root: plan["Plan"].take() }
    }

    pub(crate) fn statement(&self) -> String {
        self.statement.clone()
    }

    /// The tables that a scan reads from end to end, and how. Such a scan reads the table itself, or an index of all
    /// rows without a condition and without a limit that stops it, or it throws away most of the rows that it reads.
    pub(crate) fn read_whole(&self) -> Vec<(&str, String)> {
        let mut found = Vec::new();
        look(&self.root, false, &mut found);
        found
    }

    /// True if all partitions of a table stand in the plan, read or not. A session that keeps such a plan locks them
    /// each time.
    pub(crate) fn opens_all_weeks(&self) -> bool {
        opens_all_weeks(&self.root)
    }
}

fn opens_all_weeks(node: &Value) -> bool {
    let inner = || node["Plans"].as_array().into_iter().flatten();
    let weeks = inner().filter_map(|node| node["Relation Name"].as_str()).filter(|name| is_of_a_week(name));
    let is_any_removed = node["Subplans Removed"].as_u64().is_some_and(|removed| removed > 0);
    is_any_removed || weeks.count() > 2 || inner().any(opens_all_weeks)
}

fn is_of_a_week(table: &str) -> bool {
    table.rsplit_once('_').is_some_and(|(_, week)| week.len() == 8 && week.parse::<u32>().is_ok())
}

fn look<'a>(node: &'a Value, is_limited: bool, found: &mut Vec<(&'a str, String)>) {
    let text = |name: &str| node[name].as_str().unwrap_or_default();
    let is_bounded = node.get("Index Cond").is_some();
    let is_whole = match text("Node Type") {
        "Seq Scan" => true,
        "Index Scan" | "Index Only Scan" => {
            !is_bounded && !is_limited && !SHORT.contains(&text("Index Name"))
        }
        _ => false,
    };
    let number = |name: &str| node[name].as_f64().unwrap_or_default();
    let loops = number("Actual Loops");
    let (given, thrown_away) = (number("Actual Rows") * loops, number("Rows Removed by Filter") * loops);
    // The limit may be far above, and a node in between may take all rows.
    let is_read = node.get("Relation Name").is_some();
    let for_nothing = thrown_away + if is_read && is_limited && !is_bounded { given } else { 0.0 };
    if is_whole || for_nothing > MOST_FOR_NOTHING {
        let how = format!(
            "{} {}, {given} rows and {thrown_away} thrown away",
            text("Node Type"),
            text("Index Name")
        );
        found.push((text("Relation Name"), how));
    }
    let is_limited = match text("Node Type") {
        "Limit" => true,
        // These nodes take all rows before they return any.
        "Sort" | "Aggregate" | "Hash" | "Materialize" => false,
        _ => is_limited,
    };
    for inner in node["Plans"].as_array().into_iter().flatten() {
        // A limit stops its own input, and no subquery beside it.
        let is_beside = matches!(inner["Parent Relationship"].as_str(), Some("InitPlan" | "SubPlan"));
        look(inner, is_limited && !is_beside, found);
    }
}

pub(crate) fn in_one_line(statement: &str) -> String {
    statement.split_whitespace().collect::<Vec<_>>().join(" ")
}
