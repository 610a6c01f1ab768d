//! The same writes as ours with nothing around them: tables with their key alone, a payload that is only text, one statement for each
//! transaction.

use crate::payload;

pub(crate) const DATABASE: &str = "yardstick";

pub(crate) const TABLES: &str = "
    CREATE TABLE inserted (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, payload text NOT NULL);
    CREATE TABLE claimed (
        id bigint PRIMARY KEY, status integer NOT NULL, attempt integer NOT NULL, lease_until timestamptz
    ) WITH (fillfactor = 50);
    CREATE TABLE finished (
        id bigint PRIMARY KEY, attempt integer NOT NULL, status integer NOT NULL,
        finished_at timestamptz NOT NULL DEFAULT clock_timestamp()
    );";

/// Each client counts for itself. The payload is a variable, so that it travels with each row, as ours does.
pub(super) fn variables() -> [String; 4] {
    ["-D".into(), "n=0".into(), "-D".into(), format!("payload={}", payload::plain())]
}

/// What a claim does and what a finish does, as two transactions; so one run of it is one event.
pub(crate) const PUSHES: &str = "\\set n :n + 1
\\set id :client_id * 1000000 + :n
UPDATE claimed SET status = 1, attempt = attempt + 1, lease_until = now() + interval '1 minute' WHERE id = :id;
WITH done AS (DELETE FROM claimed WHERE id = :id AND attempt = 1 RETURNING id, attempt)
INSERT INTO finished (id, attempt, status) SELECT id, attempt, 2 FROM done;
";

/// Rows for a run of [`PUSHES`].
pub(crate) fn pushes(clients: usize, each: u64) -> String {
    format!(
        "TRUNCATE claimed, finished;
         INSERT INTO claimed (id, status, attempt)
         SELECT client * 1000000 + n, 0, 0
           FROM generate_series(0, {clients} - 1) AS client, generate_series(1, {each}) AS n;"
    )
}

/// So many rows a statement.
pub(crate) fn insert(rows: usize) -> String {
    format!("INSERT INTO inserted (payload) VALUES {};\n", vec!["(:payload)"; rows].join(", "))
}
