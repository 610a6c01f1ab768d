use serde_json::Value;

/// So many rows a scan may have read for nothing: thrown away, or beyond what a limit lets through.
const MOST_FOR_NOTHING: f64 = 1_000.0;

/// Indexes that hold some rows of their table, and stay short while the table grows: each row leaves them when its load ends. Another
/// partial index grows with its table, only slower: to read the dead events from end to end takes what there are of them.
const SHORT: [&str; 4] = ["loads_open", "load_rejects_batch", "load_rejects_requested", "load_rejects_asked"];

/// How PostgreSQL has run a statement.
pub(crate) struct Plan {
    statement: String,
    root: Value,
}

impl Plan {
    /// Of what `auto_explain` tells: a line with the time that it took, and the plan.
    pub(crate) fn parse(told: &str) -> Self {
        let json = told.split_once("plan:").unwrap().1;
        let mut plan: Value = serde_json::from_str(json).unwrap();
        Self { statement: in_one_line(plan["Query Text"].as_str().unwrap()), root: plan["Plan"].take() }
    }

    pub(crate) fn statement(&self) -> String {
        self.statement.clone()
    }

    /// The tables of which a scan goes from end to end, and how: over the table itself, or over an index of all of it that nothing is looked up
    /// in, where no limit stops it, or to find what it wants among a lot that it throws away.
    pub(crate) fn read_whole(&self) -> Vec<(&str, String)> {
        let mut found = Vec::new();
        look(&self.root, false, &mut found);
        found
    }

    /// Whether all partitions of a table stand in it, read or not: a session that keeps such a plan locks them each time.
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
    // The limit may be far above, and what stands between may take all there is.
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
        // These take all there is before they give anything.
        "Sort" | "Aggregate" | "Hash" | "Materialize" => false,
        _ => is_limited,
    };
    for inner in node["Plans"].as_array().into_iter().flatten() {
        // A limit stops what it is about, and not what is asked beside.
        let is_beside = matches!(inner["Parent Relationship"].as_str(), Some("InitPlan" | "SubPlan"));
        look(inner, is_limited && !is_beside, found);
    }
}

pub(crate) fn in_one_line(statement: &str) -> String {
    statement.split_whitespace().collect::<Vec<_>>().join(" ")
}
